import CostModels
import Hardware
import Quantities
import Workloads

extension JITQ {
  private var bandwidth: Double { gpu.mainMemory.bandwidth?.value ?? .nan }

  /// Weights of a layer on one device.
  private func weights(_ model: TransformerModel) -> Double { model.layerMatrixParameters / Double(degree) }

  /// The state of a weight.
  func state(_ model: TransformerModel, _ a: Assumptions) -> TrainingState<Double> {
    TrainingState(precise: a.preciseBytes, copies: a.copies, layers: Double(model.layers))
  }

  /// The GPU as its products see it; the links are not asked for.
  private func products(_ a: Assumptions) -> FusedReduceScatterForm<Double> {
    FusedReduceScatterForm(
      units: gpu.compute.units.value, peak: peak, efficiency: a.efficiency, tile: 128,
      cache: gpu.memory.first { $0.name == "l2" }?.capacity.value ?? 0, heldOutputs: 2,
      memoryBandwidth: bandwidth, linkBandwidth: 1, linkLatency: 0, updateCost: 1)
  }

  /// Passes of a layer with the copies that each needs: forward along one direction, backward along the other.
  func passes(_ model: TransformerModel, _ a: Assumptions) -> [JustInTimePass<Double>] {
    let weights = weights(model)
    let written = a.copies / 2
    let quantising = units.quantisation(
      elements: weights, bytes: 4, written: written, commands: a.commands)
    let compute = 2 * a.tokens * weights / (a.efficiency * peak)
    // Products read weights again as far as the cache does not hold them; activations between them pass once.
    let hidden = Double(model.hidden)
    let inner = Double(model.queryWidth)
    let wide = Double(model.feedForward)
    let up = Double(model.feedForwardMatrices - 1)
    let qkv = Double(model.queryWidth + 2 * model.keyValueWidth)
    let split = Double(degree)
    let shapes = [
      (hidden, qkv / split), (inner / split, hidden), (hidden, up * wide / split), (wide / split, hidden),
    ]
    let moved = shapes.reduce(0.0) { sum, shape in
      let product = ScatteredProduct(tokens: a.tokens, columns: shape.1, inner: shape.0, ranks: split)
      return sum + products(a).productReads(product, isFused: false) + product.outputBytes
    }
    let activations = a.tokens * hidden * a.activationBytes / split
    return [1.0, 2.0].map { times in
      let traffic = times * (moved + activations)
      let pass = max(times * compute, traffic / bandwidth)
      return JustInTimePass(
        pass: pass, traffic: traffic, bandwidth: bandwidth, quantising: quantising, stall: a.stall)
    }
  }

  /// Throughput lost in a step, in per cent: all layers, and the first layer's copies, which nothing hides.
  func loss(_ model: TransformerModel, _ a: Assumptions) -> Double {
    let passes = passes(model, a)
    let time = passes.reduce(0) { $0 + $1.pass }
    let added = passes.reduce(0) { $0 + $1.added } + (passes.first?.quantising ?? 0) / Double(model.layers)
    return 100 * added / (time + added)
  }

  /// The largest loss over the models.
  func worstLoss(_ a: Assumptions) -> Double { models.map { loss($0, a) }.max() ?? .nan }

  /// The largest saving over the models, in per cent.
  func bestSaving(_ a: Assumptions) -> Double { 100 * (models.map { state($0, a).saving }.max() ?? .nan) }

  /// Tokens whose activations fit beside the weights of a model; none where the weights do not.
  func tokensThatFit(_ model: TransformerModel, bytes: Double) -> Double {
    let weights = model.parameters / Double(degree) * bytes
    let activations =
      assumptions.activationBytes * Double(model.hidden) * Double(model.layers) / Double(degree)
    return max(0, (gpu.mainMemory.capacity.value - weights) / activations)
  }

  /// Devices that it takes for the state of a model to fit, without any activation.
  func devicesThatHold(_ model: TransformerModel, bytes: Double) -> Double {
    (model.parameters * bytes / gpu.mainMemory.capacity.value).rounded(.up)
  }

  /// Joules that a step's conversions save by not leaving the memory.
  func energySaved(_ model: TransformerModel) -> Double {
    let bytes = 2 * 4 + assumptions.copies
    return model.layerMatrixParameters * Double(model.layers) / Double(degree) * bytes
      * (outsideEnergy - insideEnergy)
  }

  /// A GEMV of AMDGeniePIM's example, on its memory.
  private var geniePIMGain: Double {
    var form = units
    (form.units, form.channelUnits, form.operand, form.interval) = (128, 16, 32, 4.267e-9)
    (form.row, form.rowChange, form.refresh, form.sharedOperand, form.sums) = (2048, 39e-9, 0, 256, 4)
    form.externalBandwidth = 128e9
    return form.external(bytes: 6144 * 2048) / form.matrixVector(rows: 6144, columns: 2048, bytes: 1)
  }

  /// Answers to all claims.
  var answers: [String: Answer] {
    var answers: [String: Answer] = [:]
    let assumed = ["formats", "directions", "precise_bytes"]
    answers["capacity"] = Answer(
      .number(bestSaving(assumptions)), alternatives: variants.map { .number(bestSaving($0.assumptions)) },
      constants: assumed,
      "copies over all bytes of a weight, less the copies of one layer. Met by MX9 and MX6 copies in both directions, which is a choice of ours: MX9 alone gives 16 %"
    )
    answers["throughput"] = Answer(
      .number(worstLoss(assumptions)), alternatives: variants.map { .number(worstLoss($0.assumptions)) },
      constants: ["commands", "stall", "tokens", "efficiency", "activation_bytes"],
      "accesses of the GPU that wait for banks, and the first layer's copies; the most over the models. It follows the commands of a block and the tokens, neither of which is published"
    )
    func hides(_ a: Assumptions) -> Bool {
      models.allSatisfy { passes($0, a).allSatisfy { $0.quantising <= $0.pass } }
    }
    answers["hidden"] = Answer(
      .statement(hides(assumptions)), alternatives: variants.map { .statement(hides($0.assumptions)) },
      constants: ["commands", "tokens", "efficiency"],
      "time to quantise a layer's weights against the shorter of its passes")
    for (name, format) in zip(["mx9", "mx6", "mx4"], BlockFormat.all) {
      answers[name] = Answer(
        .number(format.bits), "sign, mantissa, a sixteenth of 8 bits and half of one")
    }
    func share(_ formats: [BlockFormat]) -> Double {
      let copies = 2 * formats.reduce(0) { $0 + $1.bits } / 8
      return 100 * copies / (12 + copies)
    }
    answers["example"] = Answer(.number(share(Array(BlockFormat.all.prefix(2)))), "3.75 of 15.75 bytes")
    answers["example-one"] = Answer(.number(share([BlockFormat.all[0]])), "2.25 of 14.25 bytes")
    answers["gain"] = Answer(
      .number(units.peakBandwidth / units.externalBandwidth), constants: ["units"],
      "bandwidth of all units over that of the interface; half of the dies have units")
    answers["matrix-vector"] = Answer(
      .number(geniePIMGain),
      "our form with that tool's timings: 16 banks a channel, words of 32 B every 4.267 ns, 39 ns to change rows"
    )
    return answers
  }
}
