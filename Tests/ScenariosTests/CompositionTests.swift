import CostModels
import ModelTestSupport
import Quantities
import Scenarios
import Testing

/// How parts of a step run beside, before and after one another.
@Suite struct CompositionTests {
  /// Sequence parallelism exchanges the same bytes in two halves and spares the blocks between of their doubled work:
  /// norms and residuals of an eighth of the tokens.
  @Test func sequenceParallelism() throws {
    let plain = try project("gpt3-175b-node", "run.sustained=false")
    let split = try project("gpt3-175b-node", "parallelism.sequence=true", "run.sustained=false")
    #expect(split.time < plain.time)
    let (norm, whole) = (try split.root.part("attention norm"), try plain.root.part("attention norm"))
    #expect(near(norm.traffic.value, whole.traffic.value / 8))
    // GEMMs see all tokens.
    #expect(try split.root.part("FC1").time == plain.root.part("FC1").time)
    func exchanges(_ answer: Projection) throws -> [String] {
      try answer.root.part("forward").parts.filter(\.isCommunication).map(\.name)
    }
    #expect(try exchanges(plain) == ["attention all-reduce", "feed-forward all-reduce"])
    #expect(
      try exchanges(split) == [
        "attention input all-gather", "attention reduce-scatter", "feed-forward input all-gather",
        "feed-forward reduce-scatter",
      ])
    #expect(try split.root.part("backward").parts.filter(\.isCommunication).count == 4)
    #expect(near(plain.root.work.value, split.root.work.value))
  }

  /// What is hidden and what is exposed are all of the exchange; serial exposes all of it.
  @Test(arguments: ["gpt3-175b-node", "bert-large-a100"])
  func overlapHidesExchanges(name: String) throws {
    let overlapped = try project(name, "parallelism.data=8")
    let serial = try project(name, "parallelism.data=8", "parallelism.overlap=false")
    let alone = try project(name)
    #expect(serial.hiddenCommunication == .zero && overlapped.hiddenCommunication > .zero)
    #expect(alone.time < overlapped.time && overlapped.time < serial.time)
    let exposed = try overlapped.root.part("exposed all-reduces").time
    let all = try serial.root.part("gradient all-reduces").time
    #expect(near((exposed + overlapped.hiddenCommunication).value, all.value, 1e-9))
    #expect(near((serial.time - alone.time).value, all.value, 1e-9))
    // Replicas work alike.
    #expect(near(overlapped.root.work.value, alone.root.work.value))
    #expect(overlapped.tokens == alone.tokens.map { 8 * $0 })
  }

  /// The gradients of 12 GPUs in 3 half-filled nodes take the rails; those of one node do not.
  @Test func replicasThatShareANodeMeetThere() throws {
    func exchange(_ changes: String...) throws -> Double {
      try Scenario(
        named: "bert-large-a100", in: Repository.library, changes: changes + ["parallelism.overlap=false"]
      ).project().root.part("gradient all-reduces").time.value
    }
    let (near, far) = (try exchange("parallelism.data=8"), try exchange("parallelism.data=16"))
    // 335 M parameters, 2 bytes: 670 MB. A100's NVLink: about 230 GB/s of 1.75 x 670 MB. Over two nodes an eighth of that
    // goes over each adapter's 25 GB/s besides, at the same time.
    #expect((3.5e-3...8e-3).contains(near))
    #expect(far > max(near, 670e6 / 8 / 25e9))
    #expect(far < near + 670e6 / 8 / 15e9)
  }

  /// Eager kernels cannot be faster than the host starts them: a part with n kernels takes at least n launches.
  @Test func theHostIsAFloor() throws {
    let graph = try project("bert-large-a100")
    let eager = try project("bert-large-a100", "run.execution=eager", "run.host_launch=1 ms")
    let forward = try eager.root.part("forward")
    #expect(near(forward.time.value, 10e-3))
    #expect(forward.bound == .launch)
    #expect(eager.time > graph.time)
    // A part whose kernels take longer does not wait.
    let quick = try project("bert-large-a100", "run.execution=eager", "run.host_launch=1 us")
    #expect(near(quick.time.value, graph.time.value))
    #expect(!quick.root.all.contains { $0.name == "waiting for the host" })
  }

  @Test(arguments: [
    (
      "parallelism={tensor: 8, sequence: true}", "run.sequence=2047",
      "'parallelism.sequence' is true, but 8 devices do not divide 2047 tokens"
    ),
    (
      "parallelism={tensor: 1, sequence: true}", "run.micro_batch=1",
      "'parallelism.sequence' is true, but 'parallelism.tensor' is 1: nobody shares the tokens"
    ),
    (
      "parallelism={tensor: 8, data: 1000}", "run.micro_batch=1",
      "'parallelism.data' is 1000, but no network of nvidia-h200 joins 1000 x 8 devices"
    ),
    (
      "parallelism={tensor: 4, data: 5}", "run.micro_batch=1",
      "'parallelism.data' is 5: 5 x 4 devices do not fill nodes of 8 nvidia-h200"
    ),
    (
      "run.host_launch=5 us", "run.micro_batch=1",
      "'run.host_launch' is given, but 'run.execution' is graph: the host starts no kernels"
    ),
    ("run.execution=lazy", "run.micro_batch=1", "'run.execution' is 'lazy'; expected one of graph, eager"),
    (
      "parallelism.sequence=maybe", "run.micro_batch=1",
      "'parallelism.sequence' is 'maybe'; expected true or false"
    ),
    ("parallelism.dta=2", "run.micro_batch=1", "unknown key 'dta' in 'parallelism'; did you mean 'data'?"),
  ])
  func wrongParallelismIsNamed(change: String, other: String, words: String) throws {
    do {
      _ = try project("gpt3-175b-node", change, other)
      Issue.record("accepted")
    } catch {
      #expect("\(error)".contains(words))
    }
  }
}
