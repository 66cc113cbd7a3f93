import CostModels
import Hardware
import Quantities
import Workloads

extension BERTCharacterisation {
  private static let constants = ["machine", "product_slowdown", "predicted_part"]

  /// A share in the configuration that the papers lead with, and in all others that the claim might mean.
  private func shareAnswer(_ classes: [Class], mixed: Bool?, _ words: String) -> Answer {
    let meant = named.filter { mixed == nil || $0.isMixed == mixed }
    let values = shares(classes, of: meant)
    // Phase 1 with the larger batch is what most iterations of a pre-training run are.
    let middle = meant.indices.max {
      (meant[$0].batch, -meant[$0].sequence) < (meant[$1].batch, -meant[$1].sequence)
    }
    return Answer(
      .number(middle.map { values[$0] } ?? .nan),
      alternatives: (values + extremes(classes, of: meant)).map { .number($0) }, constants: Self.constants,
      words + "; over the configurations that it may mean \(range(values).words)")
  }

  private func rangeAnswer(_ classes: [Class], mixed: Bool?, inverted: Bool = false, _ words: String)
    -> Answer
  {
    let meant = named.filter { mixed == nil || $0.isMixed == mixed }
    func value(_ numbers: [Double]) -> Answer.Value {
      .range(range(inverted ? numbers.map { 100 - $0 } : numbers).values)
    }
    let slow = productSlowdown.interval.map { [$0.lowerBound.value, $0.upperBound.value] } ?? []
    return Answer(
      value(shares(classes, of: meant)),
      alternatives: slow.flatMap { slowdown in
        [predicted.interval?.lowerBound.value, predicted.interval?.upperBound.value].compactMap { $0 }.map {
          part in
          value(
            meant.map {
              breakdown(iteration($0, predicted: part), on: machine, slowdown: slowdown).share(classes)
            })
        }
      }, constants: Self.constants, words)
  }

  /// An answer to each claim of the file, by its name.
  var answers: [String: Answer] {
    var answers: [String: Answer] = [:]
    let streamed = Class.allCases.filter { !$0.isProduct && $0 != .output }
    answers["non-product-share"] = shareAnswer(
      streamed, mixed: nil, "all but products, Ph1-B32-FP32; the configuration of the claim is not known")
    answers["linear-share-fp32"] = shareAnswer([.linear], mixed: false, "Ph1-B32-FP32")
    answers["linear-share-mixed"] = shareAnswer([.linear], mixed: true, "Ph1-B32-mixed")
    answers["products-dominate"] = dominance
    answers["near-memory"] = Answer(
      cannotBeChecked:
        "what the paper demonstrated was not read; by our models kernels that only stream, run at "
        + "\(formatted(nearMemory.value)) times the bandwidth beside the memory, shorten an iteration to "
        + "1/\(fixed(nearMemoryGains.lowerBound, decimals: 2)) to 1/\(fixed(nearMemoryGains.upperBound, decimals: 2))",
      constants: ["machine", "near_memory_bandwidth"])
    answers["layers-share"] = rangeAnswer(
      [.embedding, .output, .optimizer], mixed: nil, inverted: true,
      "all but embedding, output and update, over the configurations that the paper names")
    answers["lamb-share-fp32"] = rangeAnswer(
      [.optimizer], mixed: false, "over the FP32 configurations that the paper names")
    answers["lamb-share-mixed"] = rangeAnswer(
      [.optimizer], mixed: true, "over the mixed configurations that the paper names, states in FP32")
    answers["lamb-traffic"] = Answer(
      .number(4), alternatives: [.number(6), .number(7)],
      "weights, gradients and two moments in the first pass; with the second pass 6, with the norm of all gradients 7: "
        + "which the claim means is not known")
    let setup = "a setup, recalled; the paper's body was not read"
    for id in ["setup-machine", "setup-phases", "setup-configurations"] {
      answers[id] = Answer(cannotBeChecked: setup)
    }
    answers["setup-model"] = Answer(
      .number(shape.parameters / 1e6), constants: ["model"],
      "parameters of 24 layers, H 1024, 16 heads, d_ff 4096 with embeddings, pooler and prediction head")
    answers["own-total"] = Answer(
      .number(profileErrors.total), constants: ["calibration \(reference.calibration.name)"],
      "mean absolute error over \(profileRows.count) profiles; the gradients that only profiles show were fitted to "
        + "them, so rows kept back will be met less well")
    answers["own-classes"] = Answer(
      .number(profileErrors.points), constants: ["calibration \(reference.calibration.name)"],
      "largest difference of a class that has 5 % or more of the device's time")
    return answers
  }

  /// Whether products take the largest part, their intensities spread, and what streams is prominent.
  private var dominance: Answer {
    func holds(_ slowdown: Double) -> Bool {
      named.allSatisfy { configuration in
        let iteration = iteration(configuration)
        let breakdown = breakdown(iteration, on: machine, slowdown: slowdown)
        let largest = breakdown.times.max { $0.value < $1.value }?.key
        let products = iteration.kernels.compactMap { kernel in
          if case .gemm(let shape) = kernel.operation.work {
            shape.flop / shape.bytes(kernel.operation.dataType)
          } else {
            nil
          }
        }
        return largest == .linear && (products.max() ?? 0) > 5 * (products.min() ?? 0)
          && 100 - breakdown.share(Self.products) > 10
      }
    }
    return Answer(
      .statement(holds(productSlowdown.value)),
      alternatives: (productSlowdown.interval.map { [$0.lowerBound.value, $0.upperBound.value] } ?? []).map {
        .statement(holds($0))
      }, constants: ["machine", "product_slowdown"],
      "in every configuration that the paper names products with weights are the largest class, intensities of products "
        + "differ by more than 5x, and what is no product of a layer takes more than 10 % (our reading of prominent)"
    )
  }

  /// How much shorter iterations become when what only streams runs beside the memory.
  var nearMemoryGains: ClosedRange<Double> {
    let gains = configurations.map { gain($0, nearMemory: nearMemory.value) }
    return (gains.min() ?? 1)...(gains.max() ?? 1)
  }

  /// Time of an iteration over that with streaming kernels at so many times the memory's bandwidth, their starts kept.
  func gain(_ configuration: Configuration, nearMemory factor: Double) -> Double {
    var (now, then) = (0.0, 0.0)
    for kernel in iteration(configuration).kernels {
      let time = time(kernel, on: machine, slowdown: productSlowdown.value)
      now += time
      if case .streaming = kernel.operation.work,
        let cost = machine.costInStep(kernel.operation.work, kernel.operation.dataType)
      {
        then += kernel.count * (cost.launch + (cost.time - cost.launch) / factor)
      } else {
        then += time
      }
    }
    return now / then
  }
}
