public import Quantities

/// The wall time of eager passes: the host starts their kernels one by one and runs ahead of the device.
///
/// A pass that the host can start kernels of at time `H`, and whose kernels take `D` on the device, ends at
///
///     T(n) = max(max(T(n-1), H(n-1) + lead) + s D, H(n)),   H(n) = H(n-1) + kernels · launch
///
/// `lead` is what the host needs before the first kernel of the pass: seen where the device has nothing else to do. `s` is what
/// kernels of unlike kinds lose to gaps between them and, in a loop of seconds, to the lower clock.
///
/// The constants were read from the wall times of `notebooks-data/measurements/h200/layers.csv` (PyTorch 2.11, 19 stacks of layers,
/// an H200 on a shared host); each says how far it moves when rows are left out. They are of that host and program.
public struct EagerPassForm<N: ModelNumber>: Sendable {
  /// What is timed: kernels on the device and how the host starts them.
  public struct Pass: Sendable {
    /// Time of the kernels on the device, in seconds.
    let device: N
    /// How many kernels the host starts.
    let kernels: Double
    /// Time that the host takes to start one, in seconds.
    let launch: Double
    /// Time that the host takes before the first, in seconds.
    let lead: Double

    /// The forward pass.
    public static func forward(device: N, kernels: Double) -> Pass {
      Pass(device: device, kernels: kernels, launch: EagerPassForm.forwardLaunch, lead: 0)
    }

    /// The backward pass, with the loss that it starts from.
    public static func backward(device: N, kernels: Double) -> Pass {
      Pass(
        device: device + EagerPassForm.lossTime / EagerPassForm.gaps, kernels: kernels,
        launch: EagerPassForm.backwardLaunch, lead: 0)
    }

    /// The update of the weights by a fused optimizer: one kernel after the walk through all weights.
    public static func update(device: N) -> Pass {
      Pass(device: device, kernels: 0, launch: 0, lead: EagerPassForm.updateLead)
    }
  }

  /// Time of a pass on the device over that of its kernels: 1.034, give or take 0.007.
  public static var gaps: Double { 1.034 }
  /// Time of the loss and of what autograd does before the first gradient, in seconds: 295 us, give or take 56.
  public static var lossTime: Double { 295e-6 }
  /// Time of the host to find the weights of a fused update, in seconds: 179 us, give or take 27.
  public static var updateLead: Double { 179e-6 }
  /// Time of the host to start a kernel of the forward pass, in seconds: 26 us, give or take 2.
  public static var forwardLaunch: Double { 26e-6 }
  /// Time of the host to start a kernel of the backward pass, in seconds: 66 us.
  ///
  /// Four rows are bound by it, of which one gives 27 us and three 72 to 82: other programs have the host as well.
  public static var backwardLaunch: Double { 66e-6 }
  /// Relative error of ``gaps``, from rows left out.
  public static var gapSpread: Double { 0.025 }
  /// Relative error of ``lossTime`` and ``updateLead`` in one row.
  public static var overheadSpread: Double { 0.4 }
  /// Relative error of the host's time in a forward pass.
  public static var forwardLaunchSpread: Double { 0.15 }
  /// Relative error of the host's time where a backward pass is timed.
  public static var backwardLaunchSpread: Double { 0.45 }

  /// The time of passes one after another.
  ///
  /// - Parameter passes: the passes, in the order in which they run.
  /// - Returns: the time until the device has done the last kernel, and what the host alone needs, in seconds.
  public static func time(_ passes: [Pass]) -> (total: N, host: N) {
    var total = N(0)
    var host = N(0)
    for pass in passes {
      let started = host + N(pass.lead)
      host = host + N(pass.kernels * pass.launch)
      total = N.larger(N.larger(total, started) + gaps * pass.device, host)
    }
    return (total, host)
  }
}
