import ArgumentParser
import CostModels
import Documents
import Foundation
import Kernels
import TestSupport
import Testing

@testable import rooftree

/// A kernel that does nothing, and counts how often.
private final class Idle: TimedKernel {
  let name = "idle"
  let threads = 1
  let flop = 10
  let bytes = 20
  let workingSet = 20
  func run() {}
}

/// A kernel during which somebody presses Ctrl-C.
private final class Interrupting: TimedKernel {
  let name = "interrupting"
  let threads = 1
  let flop = 10
  let bytes = 20
  let workingSet = 20
  private var isPressed = false
  func run() {
    guard !isPressed else { return }
    isPressed = true
    // To this thread, which the test runner starts with signals blocked: handled before `raise` returns.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    raise(SIGINT)
  }
}

@Suite struct HostMeasurementTests {
  private func measurement(_ folder: String, plan: String = "quick", kernels: Int = 3) -> HostMeasurement {
    let items = (0..<kernels).map { index in
      KernelSuite.Item(
        kernel: KernelCase("idle", .fp32, "n=\(index)", threads: 1) { Idle() }, isHeldOut: index == 0)
    }
    return HostMeasurement(
      folder: folder, host: HostDescription.read(),
      library: BLASLibrary(configuration: "OpenBLAS test", kernel: "Test", threads: 1),
      suite: KernelSuite(items: items, threads: [1]),
      plan: MeasurementPlan(rounds: 2, samples: 2, sampleDuration: 1e-5, warmUp: 1e-6), planName: plan,
      meter: EnergyMeter(root: "/nowhere"))
  }

  private func lines(_ folder: String) throws -> [String] {
    try String(contentsOfFile: folder + "/samples.csv", encoding: .utf8).split(separator: "\n").map(
      String.init)
  }

  @Test func everyKernelInEveryRound() throws {
    let folder = try TemporaryFolder()
    let run = measurement(folder.path)
    let result = try #require(try run.run(fresh: false) { false })
    #expect(result.count == 3)
    for times in result.values {
      #expect(Set(times.samples.map(\.round)) == [0, 1])
      #expect(times.samples.count >= 4)
      #expect(times.joules == nil)
    }
    // All of a round before any of the next.
    let rounds = try lines(folder.path).dropFirst().map {
      $0.suffix(from: $0.lastIndex(of: "=") ?? $0.startIndex)
    }
    .map { $0.split(separator: ",")[1] }
    #expect(rounds == rounds.sorted())
    let fitted = run.table(result, heldOut: false).split(separator: "\n")
    let heldOut = run.table(result, heldOut: true).split(separator: "\n")
    #expect(fitted.count == 3)
    #expect(heldOut.count == 2)
    #expect(fitted[0] == "op,dtype,threads,params,best_us,median_us,reps,flops,bytes,joules")
    #expect(heldOut[1].hasPrefix("idle,fp32,1,n=0,"))
    // What was measured can be taken again without measuring.
    let again = try measurement(folder.path).earlier()
    #expect(Set(again.keys) == Set(result.keys))
  }

  /// Stopped in the second round: nothing is lost, and only what is missing is measured.
  @Test func anInterruptedRunGoesOn() throws {
    let folder = try TemporaryFolder()
    var asked = 0
    let stopped = try measurement(folder.path).run(fresh: false) {
      asked += 1
      return asked > 12
    }
    #expect(stopped == nil)
    let before = try lines(folder.path)
    #expect(before.count > 1)
    #expect(throws: Never.self) { try measurement(folder.path).earlier() }
    let result = try #require(try measurement(folder.path).run(fresh: false) { false })
    #expect(result.count == 3)
    let after = try lines(folder.path)
    #expect(Array(after.prefix(before.count)) == before)
    #expect(Set(after).count == after.count)
  }

  /// A process killed while it wrote leaves half a line: the whole ones count.
  @Test func halfALineIsLeftOut() throws {
    let folder = try TemporaryFolder()
    _ = try measurement(folder.path).run(fresh: false) { false }
    let whole = try measurement(folder.path).earlier().mapValues(\.best)
    let path = folder.path + "/samples.csv"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try (text + "\"AMD EP").write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try measurement(folder.path).earlier().mapValues(\.best) == whole)
  }

  /// Samples of another plan, library or machine are no part of this run.
  @Test func otherRunsDoNotCount() throws {
    let folder = try TemporaryFolder()
    _ = try measurement(folder.path).run(fresh: false) { false }
    let error = try #require(throws: (any Error).self) {
      try measurement(folder.path, plan: "thorough").earlier()
    }
    #expect("\(error)".contains("are here: run rooftree calibrate first"))
  }

  /// A folder that cannot be: the reason, and nothing measured.
  @Test func unwritableSamplesAreReported() throws {
    let error = try #require(throws: OutputFailure.self) {
      try measurement("/dev/null/x").run(fresh: true) { false }
    }
    #expect(error.description == "/dev/null/x: cannot be written: the folder cannot be made")
  }

  /// Files that belong together: the second cannot be written, so the first keeps what it held.
  @Test func severalFilesOrNone() throws {
    let folder = try TemporaryFolder()
    let good = try folder.write("good.yaml", Array("good\n".utf8))
    try folder.write("file", [])
    #expect(throws: OutputFailure.self) {
      try writeFiles([("new\n", good), ("new\n", folder.path + "/file/second.yaml")])
    }
    #expect(try String(contentsOfFile: good, encoding: .utf8) == "good\n")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["file", "good.yaml"])
    try writeFiles([("new\n", good), ("other\n", folder.path + "/deep/second.yaml")])
    #expect(try String(contentsOfFile: good, encoding: .utf8) == "new\n")
  }
}

/// Calibrations through the command, where the machine or the table is not as it should be.
@Suite struct CalibrateCommandTests {
  private static let table = """
    op,dtype,threads,params,median_us,bytes
    gemm,fp64,1,m=128;n=128;k=128,90,393216
    gemm,fp64,1,m=256;n=256;k=256,680,1572864
    gemm,fp64,1,m=512;n=512;k=512,5200,6291456
    gemm,fp64,1,m=1024;n=1024;k=1024,41000,25165824
    triad,fp64,1,n=1024,0.2,24576
    triad,fp64,1,n=16384,3.5,393216
    triad,fp64,1,n=262144,80,6291456
    triad,fp64,1,n=4194304,2800,100663296
    """

  /// A device of the shipped catalogue is calibrated from a small table, in a folder of its own.
  private func calibrate(_ folder: borrowing TemporaryFolder, _ arguments: String) throws -> CommandResult {
    try folder.write("cpu.csv", Array((Self.table + "\n").utf8))
    return try Command.run(
      "/bin/bash",
      [
        "-c",
        "\(arguments.replacingOccurrences(of: "ROOFTREE", with: "\(Command.rooftree) calibrate --hardware intel-xeon-16c --table cpu.csv"))",
      ],
      in: folder.path, environment: ["ROOFTREE_MODELS": Repository.models])
  }

  @Test func aSmallTableIsEnough() throws {
    let folder = try TemporaryFolder()
    let result = try calibrate(folder, "ROOFTREE --output out.yaml")
    #expect(result.errors == "")
    #expect(result.status == 0)
    #expect(result.output.contains("the rows do not determine"))
    let yaml = try String(contentsOfFile: folder.path + "/out.yaml", encoding: .utf8)
    #expect(yaml.contains("  host_gemm:") && yaml.contains("  host_stream.triad:"))
    #expect(yaml.contains("# the rows do not determine it"))
  }

  @Test func aFullDiskIsReported() throws {
    let folder = try TemporaryFolder()
    let result = try calibrate(folder, "ROOFTREE --output /dev/full")
    #expect(result.status == 74)
    #expect(result.errors == "error: /dev/full: cannot be written: No space left on device\n")
  }

  /// A disk that fills up while a good calibration is replaced: the good one stays.
  @Test func aGoodCalibrationOutlivesAFailedOne() throws {
    let folder = try TemporaryFolder()
    let good = try folder.write("out.yaml", Array("good\n".utf8))
    let result = try calibrate(folder, "ulimit -f 1; trap '' XFSZ; ROOFTREE --output out.yaml")
    #expect(result.status == 74)
    #expect(result.errors == "error: out.yaml: cannot be written: File too large\n")
    #expect(try String(contentsOfFile: good, encoding: .utf8) == "good\n")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["cpu.csv", "out.yaml"])
  }

  /// Another library under OpenBLAS's name, as the reference BLAS would be, and a file that is none.
  @Test func aBLASThatIsNot() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.path + "/models/hardware", withIntermediateDirectories: true)
    func calibrate() throws -> CommandResult {
      try Command.run(
        Command.rooftree, ["calibrate", "--models", folder.path + "/models"],
        environment: ["LD_LIBRARY_PATH": folder.path])
    }
    let library = folder.path + "/libopenblas.so.0"
    try FileManager.default.copyItem(atPath: "/lib/x86_64-linux-gnu/libm.so.6", toPath: library)
    let other = try calibrate()
    #expect(other.status == 65)
    #expect(
      other.errors
        == "error: libopenblas.so.0 is not OpenBLAS (it lacks openblas_get_config), perhaps the slow reference BLAS; "
        + "install libopenblas0-pthread\n")
    try "nothing".write(toFile: library, atomically: true, encoding: .utf8)
    let none = try calibrate()
    #expect(none.status == 65)
    #expect(none.errors.hasPrefix("error: OpenBLAS cannot be loaded: "))
    #expect(none.errors.hasSuffix("; install libopenblas0-pthread\n"))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/models/hardware/this-machine.yaml"))
  }

  /// Ctrl-C: what was measured is kept, nothing is written besides, and the status says that it was interrupted.
  ///
  /// The signal comes from the second kernel itself, in a process of its own: no machine is too slow or too busy.
  @Test func controlCKeepsWhatWasMeasured() async throws {
    let result = try await #require(
      processExitsWith: .exitCode(130), observing: [\.standardOutputContent, \.standardErrorContent]
    ) {
      let folder = try TemporaryFolder()
      try FileManager.default.createDirectory(
        atPath: folder.path + "/models/hardware", withIntermediateDirectories: true)
      let good = try folder.write("models/hardware/this-machine.yaml", Array("good\n".utf8))
      let library = Library(root: folder.path + "/models")
      let command = try Calibrate.parse([])
      let exit = try #require(throws: ExitCode.self) {
        try command.calibrateThisMachine(library) { samples in
          HostMeasurement(
            folder: samples, host: HostDescription.read(),
            library: BLASLibrary(configuration: "OpenBLAS test", kernel: "Test", threads: 1),
            suite: KernelSuite(
              items: [
                .init(kernel: KernelCase("idle", .fp32, "n=0", threads: 1) { Idle() }, isHeldOut: false),
                .init(
                  kernel: KernelCase("idle", .fp32, "n=1", threads: 1) { Interrupting() }, isHeldOut: false),
              ], threads: [1]),
            plan: MeasurementPlan(rounds: 1, samples: 2, sampleDuration: 1e-5, warmUp: 1e-6),
            planName: "test", meter: EnergyMeter(root: "/nowhere"))
        }
      }
      #expect(try String(contentsOfFile: good, encoding: .utf8) == "good\n")
      let samples = try String(
        contentsOfFile: folder.path + "/notebooks-data/this-machine/samples.csv", encoding: .utf8)
      #expect(samples.split(separator: "\n").count > 1)
      #expect(samples.contains("n=0") && !samples.contains("n=1"))
      #expect(samples.hasSuffix("\n"))
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/models/calibrations/this-machine.yaml"))
      try FileManager.default.removeItem(atPath: folder.path)
      Foundation.exit(exit.rawValue)
    }
    let errors = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(errors.hasSuffix("stopped; the same command goes on from here\n"))
  }
}
