/// Which part of the work a process does.
public struct Shard: Sendable, Equatable {
  /// Its number, from 0.
  public let index: Int
  /// How many there are.
  public let count: Int

  /// All of the work.
  public static let whole = Shard(index: 0, count: 1)

  init(index: Int, count: Int) {
    self.index = index
    self.count = count
  }

  /// Something that names no shard.
  public struct Misuse: Error, CustomStringConvertible {
    /// What is wrong, in words.
    public let description: String
  }

  /// The shard that the command line, or else a scheduler, names; all of the work without either.
  ///
  /// Schedulers: a Slurm job array, Open MPI, MPICH and Intel MPI (PMI), several tasks of a Slurm step, a PBS array whose
  /// size the job gives as `PBS_ARRAY_COUNT`, because PBS does not say it.
  ///
  /// - Parameters:
  ///   - argument: `INDEX/COUNT`, from 0; nil when none was given.
  ///   - environment: the variables of the process.
  /// - Throws: ``Misuse`` when the words are no shard, or when an array has holes, so that the number of shards is unknown.
  public init(argument: String?, environment: [String: String]) throws(Misuse) {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    if let argument {
      let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
      guard parts.count == 2, let index = parts[0], let count = parts[1], count > 0,
        (0..<count).contains(index)
      else {
        throw Misuse(
          description: "--shard is '\(argument)'; expected INDEX/COUNT with 0 <= INDEX < COUNT, as 0/8")
      }
      self.init(index: index, count: count)
    } else if let task = number("SLURM_ARRAY_TASK_ID") {
      guard let count = number("SLURM_ARRAY_TASK_COUNT"), let low = number("SLURM_ARRAY_TASK_MIN"),
        let high = number("SLURM_ARRAY_TASK_MAX")
      else {
        throw Misuse(
          description: "SLURM_ARRAY_TASK_ID is set, but not _COUNT, _MIN and _MAX; give --shard INDEX/COUNT")
      }
      let step = Swift.max(number("SLURM_ARRAY_TASK_STEP") ?? 1, 1)
      guard (high - low) / step + 1 == count, (0..<count).contains((task - low) / step) else {
        throw Misuse(
          description:
            "the Slurm array has holes, so the number of shards is unknown; give --shard INDEX/COUNT")
      }
      self.init(index: (task - low) / step, count: count)
    } else if let rank = number("OMPI_COMM_WORLD_RANK"), let size = number("OMPI_COMM_WORLD_SIZE"),
      rank < size
    {
      self.init(index: rank, count: size)
    } else if let rank = number("PMI_RANK"), let size = number("PMI_SIZE"), rank < size {
      self.init(index: rank, count: size)
    } else if let task = number("PBS_ARRAY_INDEX") ?? number("PBS_ARRAYID") {
      guard let count = number("PBS_ARRAY_COUNT"), (0..<count).contains(task) else {
        throw Misuse(
          description:
            "a PBS array does not say its size; set PBS_ARRAY_COUNT for indices from 0, or give --shard INDEX/COUNT"
        )
      }
      self.init(index: task, count: count)
    } else if let rank = number("SLURM_PROCID"), let size = number("SLURM_NTASKS"), size > 1, rank < size {
      self.init(index: rank, count: size)
    } else {
      self = .whole
    }
  }

  /// The parts that it computes, of so many.
  func parts(of total: Int) -> Range<Int> {
    // Wide products: neither number is small.
    func edge(_ number: Int) -> Int {
      let (high, low) = total.multipliedFullWidth(by: number)
      return count.dividingFullWidth((high, low)).quotient
    }
    return edge(index)..<edge(index + 1)
  }
}

/// How many threads a process may use: what a scheduler or OpenMP says, or else the processors that it may run on.
///
/// - Parameters:
///   - environment: the variables of the process.
///   - processors: those that the process may run on.
/// - Returns: at least one.
public func defaultThreads(environment: [String: String], processors: Int) -> Int {
  for name in ["SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS", "NCPUS"] {
    if let count = environment[name].flatMap({ Int($0) }), count > 0 { return Swift.min(count, 1024) }
  }
  return Swift.max(1, processors)
}
