import Documents
import Hardware
import Quantities
import TestSupport
import Testing

private let names = Repository.library.names(.hardware)

@Suite struct CatalogueTests {
  @Test func thereAreDevicesOfEveryKind() throws {
    let kinds = try names.map { try Device(named: $0, in: Repository.library).kind }
    for kind in Device.Kind.allCases { #expect(kinds.filter { $0 == kind }.count >= 2, "\(kind)") }
  }

  @Test(arguments: names)
  func isReadAndNamedLikeItsFile(name: String) throws {
    let device = try Device(named: name, in: Repository.library)
    #expect(device.name == name)
    #expect(!device.title.isEmpty)
    #expect(device.peakRate(device.kind == .pim ? .int32 : .fp32) != nil || device.peakRate(.fp16) != nil)
  }

  /// Narrower numbers are never computed more slowly, and vector pipes never beat matrix pipes.
  @Test(arguments: names)
  func ratesAreOrdered(name: String) throws {
    let compute = try Device(named: name, in: Repository.library).compute
    let chains: [[DataType]] = [
      [.fp64, .fp32, .tf32, .fp16, .fp8, .fp4], [.fp32, .bf16, .fp8], [.int64, .int32, .int8],
    ]
    for chain in chains {
      let rates = chain.compactMap { compute.rates[$0]?.value }
      #expect(rates == rates.sorted(), "\(chain)")
    }
    for (type, rate) in compute.vectorRates {
      #expect(rate.value <= compute.rates[type]?.value ?? 0, "\(type)")
    }
    #expect(compute.rates.values.allSatisfy { $0.value > 0 })
  }

  /// Towards the compute units memory is smaller and faster.
  @Test(arguments: names)
  func memoryIsOrdered(name: String) throws {
    let device = try Device(named: name, in: Repository.library)
    let units = device.compute.units.value
    let levels = device.memory.map { level in
      let factor = level.scope == .unit ? units : 1
      return (capacity: factor * level.capacity.value, bandwidth: level.bandwidth.map { factor * $0.value })
    }
    let capacities = levels.map(\.capacity)
    #expect(capacities == capacities.sorted(by: >))
    let bandwidths = levels.compactMap(\.bandwidth)
    #expect(bandwidths == bandwidths.sorted())
    #expect(device.mainMemory.bandwidth != nil)
  }

  /// Far networks join more devices, are slower and take longer; no network is as fast as the memory.
  @Test(arguments: names)
  func networksAreOrdered(name: String) throws {
    let device = try Device(named: name, in: Repository.library)
    // A link to the host joins no devices; the narrowed networks are slow on purpose.
    let links = device.links.filter { $0.devices > 1 && !name.contains("slow") }
    #expect(links.map(\.devices) == links.map(\.devices).sorted())
    #expect(links.map(\.bandwidth.value) == links.map(\.bandwidth.value).sorted(by: >))
    #expect(links.map(\.latency.value) == links.map(\.latency.value).sorted())
    let scope = device.mainMemory.scope == .unit ? device.compute.units.value : 1
    for link in links { #expect(link.bandwidth.value < (device.mainMemory.bandwidth?.value ?? 0) * scope) }
    for link in links {
      #expect(device.link(joining: link.devices)?.name == link.name)
      #expect(device.link(joining: link.devices + 1)?.name != link.name)
    }
  }

  @Test(arguments: names)
  func powerAndLaunch(name: String) throws {
    let device = try Device(named: name, in: Repository.library)
    if let limit = device.power.limit, let idle = device.power.idle {
      #expect(idle.quantity < limit.quantity)
    }
    if let launch = device.launchOverhead { #expect((1e-8...1e-3).contains(launch.value)) }
    // A processor of this age computes between half a FLOP and a thousand FLOP for each byte that it reads.
    if device.kind != .pim, let rate = device.peakRate(.fp32), let bandwidth = device.mainMemory.bandwidth {
      #expect((0.5...1000).contains((rate.quantity / bandwidth.quantity).value))
    }
  }

  /// A few lines of the vendors' data sheets, typed here once more: rate, memory, bandwidth, units, watts, link.
  @Test(
    arguments: [
      ("nvidia-v100-32g-sxm", 125e12, 32e9, 900e9, 80, 300, 150e9),
      ("nvidia-a100-80g-sxm", 312e12, 80e9, 2039e9, 108, 400, 300e9),
      ("nvidia-a100-40g-sxm", 312e12, 40e9, 1555e9, 108, 400, 300e9),
      ("nvidia-h100-80g-sxm", 989e12, 80e9, 3350e9, 132, 700, 450e9),
      ("nvidia-h200", 989e12, 141e9, 4800e9, 132, 700, 450e9),
      ("nvidia-b200", 2250e12, 180e9, 8000e9, 148, 1000, 900e9),
      ("amd-mi100", 184.6e12, 32e9, 1228.8e9, 120, 300, 138e9),
      ("amd-mi210", 181e12, 64e9, 1638.4e9, 104, 300, 150e9),
      ("amd-mi250x", 383e12, 128e9, 3276.8e9, 220, 560, 350e9),
      ("amd-mi300x", 1307.4e12, 192e9, 5300e9, 304, 750, 448e9),
    ] as [(String, Double, Double, Double, Double, Double, Double)])
  func dataSheets(
    name: String, rate: Double, capacity: Double, bandwidth: Double, units: Double, watts: Double,
    link: Double
  ) throws {
    let device = try Device(named: name, in: Repository.library)
    #expect(device.peakRate(.fp16)?.value == rate)
    #expect(device.mainMemory.capacity.value == capacity)
    #expect(abs((device.mainMemory.bandwidth?.value ?? 0) / bandwidth - 1) < 1e-3)
    #expect(device.compute.units.value == units)
    #expect(device.power.limit?.value == watts)
    #expect(device.links.first?.bandwidth.value == link)
  }

  /// The narrowed networks stand for the same GPU: only the network differs.
  @Test(arguments: ["nvidia-h200-slow-a", "nvidia-h200-slow-b"])
  func variantsDifferInTheNetworkOnly(name: String) throws {
    let base = try Device(named: "nvidia-h200", in: Repository.library)
    let variant = try Device(named: name, in: Repository.library)
    #expect(variant.kind == base.kind)
    #expect(variant.compute.units == base.compute.units)
    #expect(variant.compute.clock == base.compute.clock)
    #expect(variant.compute.rates == base.compute.rates)
    #expect(variant.compute.vectorRates == base.compute.vectorRates)
    #expect(variant.memory.map(\.name) == base.memory.map(\.name))
    #expect(variant.memory.map(\.capacity) == base.memory.map(\.capacity))
    #expect(variant.memory.map(\.bandwidth) == base.memory.map(\.bandwidth))
    #expect(variant.launchOverhead == base.launchOverhead)
    #expect(variant.power.limit == base.power.limit)
    #expect(variant.power.idle == base.power.idle)
    let ours = try #require(variant.link(joining: 8))
    let theirs = try #require(base.link(joining: 8))
    #expect(ours.name == theirs.name)
    #expect(ours.bandwidth.quantity < 0.2 * theirs.bandwidth.quantity)
    #expect(variant.link(joining: 9)?.bandwidth == base.link(joining: 9)?.bandwidth)
  }
}

@Suite struct ProvenanceTests {
  /// Keys whose numbers are names, dates or counts by definition.
  private static let plain: Set<String> = [
    "year", "devices", "dma_minimum", "dma_maximum", "operand", "row", "shared_operand",
  ]

  private func check(_ node: DocumentNode, key: String, sources: Set<String>, file: String) {
    switch node.content {
    case .sequence(let items): for item in items { check(item, key: key, sources: sources, file: file) }
    case .scalar(let text, let quoted):
      let isNumber = !quoted && text.first.map { $0.isNumber || $0 == "." || $0 == "-" } ?? false
      #expect(
        !isNumber || Self.plain.contains(key), "\(file):\(node.position.line): '\(text)' has no source")
    case .mapping(let pairs):
      guard node.value("value") != nil else {
        for pair in pairs {
          guard case .scalar(let name, _) = pair.key.content, !["title", "note", "sources"].contains(name)
          else { continue }
          check(pair.value, key: name, sources: sources, file: file)
        }
        return
      }
      guard case .scalar(let source, _)? = node.value("source")?.content,
        case .scalar(let kind, _)? = node.value("kind")?.content
      else {
        Issue.record("\(file):\(node.position.line): a value without kind and source")
        return
      }
      #expect(Provenance.Kind(rawValue: kind) != nil)
      // A single word must be one of the file's sources; anything else says in words where it is from.
      #expect(
        source.contains(" ") || sources.contains(source),
        "\(file):\(node.position.line): no source '\(source)' in the file")
      #expect(source.count >= 4)
    }
  }

  @Test(arguments: names)
  func everyNumberSaysWhereItIsFrom(name: String) throws {
    let file = "models/hardware/\(name).yaml"
    let node = try readDocument(path: Repository.root + "/" + file)
    var sources = Set(node.value("sources")?.keys ?? [])
    if case .scalar(let parent, _)? = node.value("extends")?.content {
      let below = try readDocument(path: Repository.root + "/models/hardware/\(parent).yaml")
      sources.formUnion(below.value("sources")?.keys ?? [])
    }
    check(node, key: "", sources: sources, file: file)
  }

  /// Short names of sources are replaced by their texts when a device is read.
  @Test func sourcesAreSpelledOut() throws {
    let device = try Device(named: "nvidia-h200", in: Repository.library)
    #expect(device.mainMemory.bandwidth?.provenance.kind == .published)
    #expect(
      device.mainMemory.bandwidth?.provenance.source
        == "NVIDIA H200 Tensor Core GPU data sheet (2024); dense rates, half of the printed sparse ones")
    let variant = try Device(named: "nvidia-h200-slow-a", in: Repository.library)
    #expect(
      variant.link(joining: 8)?.latency.provenance.source
        == "notebooks-data/measurements/h200/collectives_slow_a.csv")
    #expect(variant.mainMemory.bandwidth?.provenance == device.mainMemory.bandwidth?.provenance)
  }

  @Test func guessesHaveIntervals() throws {
    for name in names {
      let device = try Device(named: name, in: Repository.library)
      for level in device.memory where level.bandwidth?.provenance.kind == .assumed {
        let interval = try #require(level.bandwidth?.interval)
        #expect(interval.lowerBound < interval.upperBound)
      }
    }
  }
}
