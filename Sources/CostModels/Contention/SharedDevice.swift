public import Quantities

/// One of several kernels that run on a device at the same time, as a demand on what they share.
public struct Tenant<N: ModelNumber>: Sendable {
  /// Time alone, in seconds.
  public var time: N
  /// Compute units that it can use; zero for work of copy engines.
  public var units: N
  /// Part of the cache's bandwidth that it takes while it runs alone, 0 to 1.
  public var cache: N
  /// Part of the main memory's bandwidth that it takes while it runs alone, 0 to 1.
  public var memory: N
  /// Part of the link's bandwidth that it takes while it runs alone, 0 to 1.
  public var link: N
  /// Part of the copy engines that it takes while it runs alone, 0 to 1.
  public var engines: N
  /// Who is served first: compute units go to lower numbers first, and are shared fairly among equal ones.
  public var priority: Int
  /// Tiles that its units work on in waves; nil for work that shrinks with the units in proportion.
  public var waves: TileWaves<N>?
  /// Part of its time alone for which its units are busy; the rest of the time they wait for memory or link.
  public var busy: N
  /// Part of its rate that it keeps beside others whatever they leave it.
  public var keeps: N

  /// A demand on a device.
  public init(
    time: N, units: N, cache: N = N(0), memory: N = N(0), link: N = N(0), engines: N = N(0),
    priority: Int = 0,
    waves: TileWaves<N>? = nil, busy: N = N(1), keeps: N = N(1)
  ) {
    self.time = time
    self.units = units
    self.cache = cache
    self.memory = memory
    self.link = link
    self.engines = engines
    self.priority = priority
    self.waves = waves
    self.busy = busy
    self.keeps = keeps
  }
}

/// What N kernels take that start together on one device.
public struct Schedule<N: ModelNumber>: Sendable {
  /// When each has ended, in seconds, in the order in which they were given.
  public let ends: [N]
  /// When all have ended.
  public let total: N

  /// Time of all of them one after another, over the time together.
  public func speedup(over tenants: [Tenant<N>]) -> N {
    tenants.reduce(N(0)) { $0 + $1.time } / total
  }
}

extension ContentionForm {
  /// N kernels that start together on a device.
  ///
  /// Between the ends of two of them all rates are steady: compute units by priority, equal ones sharing fairly and in
  /// whole waves; of caches, memory, link and copy engines each kernel gets what it wants, or a fair share when they
  /// want more than there is; a kernel runs at the rate of its scarcest share. Whoever ends leaves its shares to the rest.
  /// One kernel takes its own time; no set takes less than its longest member. Fair shares: max-min fairness,
  /// Bertsekas and Gallager, Data Networks, section 6.5.
  ///
  /// - Parameters:
  ///   - tenants: the kernels.
  ///   - units: compute units of the device.
  /// - Returns: when each ends.
  public func together(_ tenants: [Tenant<N>], units: N) -> Schedule<N> {
    var left = tenants.map { _ in N(1) }
    var ends = tenants.map { _ in N(0) }
    var now = N(0)
    for _ in tenants.indices {
      let active = left.map { N.choose(where: $0, isAtMost: N(1e-9), then: N(0), otherwise: N(1)) }
      let rates = self.rates(tenants, active: active, units: units)
      // The phase lasts until the first active kernel ends.
      var phase = N(.greatestFiniteMagnitude)
      for index in tenants.indices {
        let toEnd = left[index] * tenants[index].time / N.larger(rates[index], N(1e-12))
        phase = N.choose(
          where: active[index], isAtMost: N(0), then: phase, otherwise: N.smaller(phase, toEnd))
      }
      let anyone = active.reduce(N(0)) { N.larger($0, $1) }
      phase = N.choose(where: anyone, isAtMost: N(0), then: N(0), otherwise: phase)
      now = now + phase
      for index in tenants.indices {
        let done = phase * rates[index] / N.larger(tenants[index].time, N(.leastNormalMagnitude))
        left[index] = N.choose(
          where: active[index], isAtMost: N(0), then: N(0), otherwise: N.larger(N(0), left[index] - done))
        ends[index] = N.choose(where: active[index], isAtMost: N(0), then: ends[index], otherwise: now)
      }
    }
    return Schedule(ends: ends, total: now)
  }

  /// The rate of each kernel while these are active, of its rate alone.
  func rates(_ tenants: [Tenant<N>], active: [N], units: N) -> [N] {
    var granted = tenants.map { _ in N(0) }
    var free = units
    for priority in Set(tenants.map(\.priority)).sorted() {
      let members = tenants.indices.filter { tenants[$0].priority == priority }
      let shares = Self.fairShares(members.map { active[$0] * tenants[$0].units }, of: free)
      for (member, share) in zip(members, shares) {
        granted[member] = share
        free = N.larger(N(0), free - share)
      }
    }
    let speeds = tenants.indices.map { index -> N in
      let tenant = tenants[index]
      let asked = N.larger(tenant.units, N(1e-12))
      let part = N.choose(
        where: tenant.units, isAtMost: N(0), then: N(1), otherwise: N.smaller(N(1), granted[index] / asked))
      guard let waves = tenant.waves else { return N.smaller(N(1), part / tenant.busy) }
      let held = N.larger(N(0), units - granted[index])
      let crowded = waves.crowd(held: held).time(unit: N(1) / waves.waves, lone: loneUnit)
      // A kernel that does not fill the device loses nothing until its own units go; waves never beat the part.
      let slow = N.choose(
        where: N(1), isAtMost: part, then: N(1), otherwise: N.smaller(N(1), N(1) / (crowded * tenant.busy)))
      return N.choose(where: granted[index], isAtMost: N(0), then: N(0), otherwise: slow)
    }
    var rates = speeds
    for share in [\Tenant<N>.cache, \.memory, \.link, \.engines] {
      let wanted = tenants.indices.map { active[$0] * speeds[$0] * tenants[$0][keyPath: share] }
      let shares = Self.fairShares(wanted, of: N(1))
      for index in tenants.indices {
        let part = N.choose(
          where: wanted[index], isAtMost: N(0), then: N(1),
          otherwise: shares[index] / N.larger(wanted[index], N(1e-12)))
        rates[index] = N.smaller(rates[index], speeds[index] * part)
      }
    }
    let others = active.reduce(N(0)) { $0 + $1 }
    for index in tenants.indices {
      rates[index] =
        N.choose(where: others, isAtMost: N(1), then: N(1), otherwise: tenants[index].keeps) * rates[index]
    }
    return tenants.indices.map { active[$0] * rates[$0] }
  }

  /// Max-min fair shares: nobody gets more than wanted, and what is left goes to all others alike.
  static func fairShares(_ wanted: [N], of capacity: N) -> [N] {
    var level = N(.greatestFiniteMagnitude)
    // Each round fixes those that want less than the level; after as many rounds as there are kernels it is steady.
    for _ in 0...wanted.count {
      var small = N(0)
      var large = N(0)
      for want in wanted {
        small = small + N.choose(where: want, isAtMost: level, then: want, otherwise: N(0))
        large = large + N.choose(where: want, isAtMost: level, then: N(0), otherwise: N(1))
      }
      let fits = wanted.reduce(N(0)) { $0 + $1 }
      let rest = N.larger(N(0), capacity - small) / N.larger(large, N(1))
      let even = capacity / N(Double(max(1, wanted.count)))
      let first = N.choose(
        where: fits, isAtMost: capacity, then: N(.greatestFiniteMagnitude), otherwise: even)
      level = N.choose(where: large, isAtMost: N(0), then: first, otherwise: N.larger(rest, even))
    }
    return wanted.map { N.smaller($0, level) }
  }
}
