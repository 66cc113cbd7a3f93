import Foundation
import TestSupport
import Testing

/// Checks the catalogue against the schemas that editors use, with Python's jsonschema as the judge.
@Suite struct SchemaTests {
  private static let hasJudge: Bool =
    (try? Command.run("/usr/bin/env", ["python3", "-c", "import yaml, jsonschema, referencing"]))?.status == 0

  /// A schema with its folder: `hardware.schema.json` is for `models/hardware`, `workload` for `models/workloads`.
  private static let pairs: [(schema: String, folder: String)] =
    Repository.files(in: "models/schemas", ending: ".schema.json").compactMap { path in
      let kind = path.split(separator: "/").last.map { $0.prefix { $0 != "." } }.map(String.init) ?? ""
      let folder = [kind, kind + "s"].map { "models/" + $0 }
        .first { !Repository.files(in: $0, ending: ".yaml").isEmpty }
      return folder.map { (path, $0) }
    }

  /// Prints one line for each complaint: file, place, words.
  ///
  /// Mappings get a strange key when asked to.
  private static let program = """
    import copy, json, sys, yaml, jsonschema
    class Loader(yaml.SafeLoader): pass
    # Rooftree reads plain scalars as text and numbers; dates and the like do not exist in it.
    Loader.yaml_implicit_resolvers = {
        letter: [(tag, pattern) for tag, pattern in rules if not tag.endswith(("timestamp", "bool"))]
        for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
    import re
    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))
    # YAML 1.1 takes 1e9 for text; Rooftree and YAML 1.2 take it for a number.
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
        list("-+0123456789."))
    mode, schema_path, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
    schema = json.load(open(schema_path))
    jsonschema.Draft202012Validator.check_schema(schema)
    # Schemas name their neighbours by file name.
    import glob, os, referencing
    registry = referencing.Registry().with_resources(
        (os.path.basename(name), referencing.Resource.from_contents(json.load(open(name))))
        for name in glob.glob(os.path.join(os.path.dirname(schema_path), "*.json")))
    judge = jsonschema.Draft202012Validator(schema, registry=registry)
    def mappings(node, path=()):
        if isinstance(node, dict):
            yield path
            for key, value in node.items():
                yield from mappings(value, path + (key,))
        if isinstance(node, list):
            for index, value in enumerate(node):
                yield from mappings(value, path + (index,))
    for path in paths:
        document = yaml.load(open(path, encoding="utf-8"), Loader)
        if mode == "check":
            for error in judge.iter_errors(document):
                print(f"{path}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}")
            continue
        # One unknown key in every mapping in turn: each must be rejected. Sources may be called anything, as may
        # the derived numbers and the constraints of a sweep, which hold texts, and so
        # may memories and networks: these hold a mapping each, so a strange text is no entry of theirs.
        for place in mappings(document):
            if place and place[-1] in ("sources", "derived", "constraints"): continue
            changed = copy.deepcopy(document)
            node = changed
            for step in place: node = node[step]
            node["strange_key"] = "x"
            if judge.is_valid(changed):
                print(f"{path}: an unknown key in '{'.'.join(map(str, place))}' passes")
    """

  private func complaints(_ mode: String, schema: String, folder: String) throws -> [Substring] {
    let files = Repository.files(in: folder, ending: ".yaml")
    let result = try Command.run(
      "/usr/bin/env", ["python3", "-W", "ignore", "-c", Self.program, mode, schema] + files)
    #expect(result.status == 0, "\(result.errors)")
    return result.output.split(separator: "\n")
  }

  @Test func schemasAreThere() {
    #expect(Self.pairs.map(\.folder).contains("models/hardware"))
    #expect(Self.pairs.map(\.folder).contains("models/workloads"))
  }

  @Test(.enabled(if: hasJudge, "python3 with PyYAML and jsonschema is not installed"))
  func everyFileFitsItsSchema() throws {
    for (schema, folder) in Self.pairs {
      #expect(try complaints("check", schema: schema, folder: folder) == [], "\(schema)")
    }
  }

  @Test(.enabled(if: hasJudge, "python3 with PyYAML and jsonschema is not installed"))
  func unknownKeysAreRejectedEverywhere() throws {
    for (schema, folder) in Self.pairs {
      #expect(try complaints("damage", schema: schema, folder: folder) == [], "\(schema)")
    }
  }
}
