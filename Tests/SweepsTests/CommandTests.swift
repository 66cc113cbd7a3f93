import Foundation
import TestSupport
import Testing

/// The command on real files: killed, stopped, on a full disk.
@Suite(.serialized) struct SweepCommandTests {
  private static let space = """
    name: long
    model: roofline
    base: {hardware: nvidia-h200, bytes: 1 GB}
    axes:
      flop: {sets: flop, from: 1 GFLOP, to: 1 PFLOP, count: 200, spacing: logarithmic}
      bandwidth: {sets: bandwidth, from: 1 TB/s, to: 32 TB/s, count: 100}
      payload: {sets: payload, from: 1 MB, to: 10 GB, count: 100, spacing: logarithmic}
    reduce: {best: {minimize: time}, pareto: {minimize: [time, compute]}}
    part: 4096

    """

  private func start(_ arguments: [String], in folder: String) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Command.rooftree)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(["ROOFTREE_MODELS": Repository.models])
    { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  private func parts(_ folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/out/parts")) ?? []
    return names.filter { $0.hasPrefix("part-") }.sorted()
  }

  private func waitForParts(_ folder: String) {
    for _ in 0..<1000 where parts(folder).count < 5 { usleep(10_000) }
  }

  /// Killed or stopped in the middle, every part that is there is whole, and running again gives the same files.
  @Test(arguments: [SIGKILL, SIGINT])
  func interruptedRunsGoOn(signal: Int32) throws {
    let folder = try TemporaryFolder()
    try folder.write("long.yaml", Array(Self.space.utf8))
    let environment = ["ROOFTREE_MODELS": Repository.models]
    let process = try start(["sweep", "long.yaml", "--output", "out", "--threads", "1"], in: folder.path)
    waitForParts(folder.path)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    let before = parts(folder.path)
    #expect(before.count >= 5)
    if signal == SIGINT, before.count < 489 { #expect(process.terminationStatus == 130) }
    let rest = try Command.run(
      Command.rooftree, ["sweep", "long.yaml", "--output", "out", "--shard", "0/1"], in: folder.path,
      environment: environment)
    #expect(rest.status == 0)
    let merged = try Command.run(
      Command.rooftree, ["merge", "long.yaml", "--output", "out"], in: folder.path, environment: environment)
    #expect(merged.status == 0)
    let whole = try Command.run(
      Command.rooftree, ["sweep", "long.yaml", "--output", "whole"], in: folder.path, environment: environment
    )
    #expect(whole.status == 0)
    for name in ["best.csv", "pareto.csv", "scenarios.csv"] {
      let (a, b) = (folder.path + "/out/" + name, folder.path + "/whole/" + name)
      #expect(FileManager.default.contents(atPath: a) == FileManager.default.contents(atPath: b))
    }
  }

  /// Killed inside of the only part, with a journal beside it that is used and removed, the files are the same; the next run
  /// starts with what the journal has.
  @Test func killedPartsGoOn() throws {
    let folder = try TemporaryFolder()
    let text = Self.space.replacingOccurrences(of: "part: 4096", with: "part: 2000000\nwrite: [netcdf]")
    try folder.write("long.yaml", Array(text.utf8))
    let environment = ["ROOFTREE_MODELS": Repository.models]
    let process = try start(["sweep", "long.yaml", "--output", "out", "--threads", "2"], in: folder.path)
    func journals() -> [String] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/out/parts")) ?? []
      return names.filter { $0.contains(".journal.") }
    }
    for _ in 0..<1000 where journals().isEmpty { usleep(2000) }
    usleep(60_000)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    // On a machine that was quick enough the part is whole.
    let isPart = !parts(folder.path).isEmpty
    #expect(isPart || journals().count == 1)
    let rest = try Command.run(
      Command.rooftree, ["sweep", "long.yaml", "--output", "out"], in: folder.path, environment: environment)
    #expect(rest.status == 0)
    #expect(journals().isEmpty)
    let whole = try Command.run(
      Command.rooftree, ["sweep", "long.yaml", "--output", "whole"], in: folder.path, environment: environment
    )
    #expect(whole.status == 0)
    for name in ["best.csv", "pareto.csv", "scenarios.csv", "long.nc"] {
      let (a, b) = (folder.path + "/out/" + name, folder.path + "/whole/" + name)
      #expect(FileManager.default.contentsEqual(atPath: a, andPath: b), "\(name)")
    }
  }

  private static let hasDuckDB =
    (try? Command.run("/usr/bin/env", ["duckdb", "-c", "select 1"]))?.status == 0

  /// A table in Parquet is that of the CSV file, with a type for each column whatever its first rows look like.
  @Test(.enabled(if: hasDuckDB, "needs the command duckdb (pip install duckdb-cli)"))
  func parquetIsTheTable() throws {
    let folder = try TemporaryFolder()
    let text = """
      name: it's
      model: roofline
      base: {hardware: nvidia-h200, bytes: 0 B, launch: 0 s}
      axes:
        flop: {sets: flop, values: [0 FLOP, 989 TFLOP, 1 GFLOP]}
        budget: [1, 2, 2.5]
      outputs: [time, compute]
      write: [csv, parquet]

      """
    try folder.write("space.yaml", Array(text.utf8))
    let run = try Command.run(
      Command.rooftree, ["sweep", "space.yaml", "--output", "out"], in: folder.path,
      environment: ["ROOFTREE_MODELS": Repository.models])
    #expect(run.status == 0)
    #expect(run.output.contains("out/it's.parquet"))
    func query(_ words: String) throws -> String {
      try Command.run("/usr/bin/env", ["duckdb", "-csv", "-c", words], in: folder.path).output
    }
    #expect(
      try query("select column_name, column_type from (describe from 'out/it''s.parquet')")
        == "column_name,column_type\nscenario,BIGINT\nflop_FLOP,DOUBLE\nbudget,DOUBLE\ntime_s,DOUBLE\ncompute_s,DOUBLE\n"
    )
    let both = try query(
      "select count(*) from (from 'out/it''s.parquet' intersect from read_csv('out/it''s.csv', types = {'time_s': 'DOUBLE'}))"
    )
    #expect(both == "count_star()\n9\n")
    #expect(try query("select sum(compute_s) from 'out/it''s.parquet'").contains("3.0000"))
  }

  private static let canMount =
    getuid() == 0
    && (try? Command.run(
      "/usr/bin/env",
      ["sh", "-c", "d=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs $d && umount $d && rmdir $d"]))?.status
      == 0

  /// A full disk ends with a clear message; the parts before it stay, and with room the run goes on.
  @Test(.enabled(if: canMount, "needs root and mount"))
  func fullDisksLoseNothing() throws {
    let folder = try TemporaryFolder()
    let text = Self.space.replacingOccurrences(of: "part: 4096", with: "part: 200000\nwrite: [csv]")
    try folder.write("long.yaml", Array(text.utf8))
    let environment = ["ROOFTREE_MODELS": Repository.models]
    let disk = folder.path + "/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    #expect(
      try Command.run("/usr/bin/env", ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]).status == 0)
    defer { _ = try? Command.run("/usr/bin/env", ["umount", disk]) }
    let full = try Command.run(
      Command.rooftree, ["sweep", "long.yaml", "--output", "disk/out"], in: folder.path,
      environment: environment)
    #expect(full.status == 74)
    let pattern =
      /error: disk\/out\/parts\/part-0000([0-9])-of-00010: cannot be written: No space left on device\n/
    let found = try #require(try pattern.wholeMatch(in: full.errors))
    let failed = try #require(Int(found.1))
    // Four mebibytes have room for two parts of 1.6 MB, or for one and its journal.
    #expect(failed == 1 || failed == 2)
    let kept = try FileManager.default.contentsOfDirectory(atPath: disk + "/out/parts")
    #expect(
      kept.filter { $0.hasPrefix("part-") }.sorted() == (0..<failed).map { "part-0000\($0)-of-00010" })
    #expect(try Command.run("/usr/bin/env", ["mount", "-o", "remount,size=400m", disk]).status == 0)
    let rest = try Command.run(
      Command.rooftree, ["sweep", "long.yaml", "--output", "disk/out", "--shard", "0/1"], in: folder.path,
      environment: environment)
    #expect(rest.output == "shard 0 of 1: 10 of 10 parts, \(failed) found, \(10 - failed) computed\n")
  }
}
