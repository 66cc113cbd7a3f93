import ArgumentParser
import Documents
import Foundation
import Scenarios

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn the input of another tool into a scenario; what is not used is listed in it.",
    discussion: """
      calculon takes an application, an execution and, if wanted, a system (JSON). megatron takes a file with an argument \
      list of Megatron-LM. huggingface takes a config.json and writes a workload; it may also stand as it is wherever a \
      workload does.

      Example: rooftree import calculon gpt3.json execution.json a100.json > gpt3.yaml && rooftree estimate gpt3.yaml
      """)

  /// Whose input it is.
  enum Tool: String, ExpressibleByArgument, CaseIterable {
    case calculon, huggingface, megatron
  }

  @Argument(help: ArgumentHelp("Whose input it is: calculon, huggingface or megatron.", valueName: "tool"))
  var tool: Tool
  @Argument(help: ArgumentHelp("Its files.", valueName: "file"))
  var files: [String]
  @Option(help: ArgumentHelp("The device of the catalogue.", valueName: "name"))
  var hardware = "nvidia-a100-80g-sxm"
  @Option(help: ArgumentHelp("All devices, where an argument list does not say it.", valueName: "count"))
  var devices: Int?
  @OptionGroup var options: LibraryOptions

  func validate() throws {
    switch tool {
    case .calculon where !(2...3).contains(files.count):
      throw ValidationError("calculon takes an application, an execution and, if wanted, a system")
    case .huggingface where files.count != 1:
      throw ValidationError("huggingface takes one config.json")
    case .megatron where files.count != 1: throw ValidationError("megatron takes one file with arguments")
    default: break
    }
  }

  func run() throws {
    _ = try options.library().path(.hardware, hardware)
    switch tool {
    case .calculon:
      let nodes = try files.map { try readDocument(path: $0) }
      let scenario = try ImportedScenario(
        calculon: nodes[0], execution: nodes[1], system: nodes.count > 2 ? nodes[2] : nil, hardware: hardware)
      try emit(scenario.text)
    case .huggingface:
      let name = files[0].split(separator: "/").last.map(String.init) ?? files[0]
      try emit(ImportedScenario(huggingFace: try readDocument(path: files[0]), name: name).text)
    case .megatron:
      guard let data = FileManager.default.contents(atPath: files[0]) else {
        throw Diagnostic(file: files[0], position: nil, fault: .unreadable(reason: "no such file"))
      }
      let words = String(decoding: data, as: UTF8.self).split { $0.isWhitespace || $0 == "\\" }
        .map(String.init)
      try emit(
        ImportedScenario(megatron: words, devices: devices, hardware: hardware, file: files[0]).text)
    }
  }
}
