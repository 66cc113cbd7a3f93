public import Hardware
public import Quantities
public import Workloads

/// How a device hands the tiles of a product to its compute units.
public struct TileDispatch: Sendable, Hashable {
  /// Compute units that work on one tile group together and must be free at the same time.
  public let clusterUnits: Double
  /// Groups of neighbouring units among which a cluster must find its units.
  public let groups: Double
  /// Tiles that a cluster owns from its launch; the rest is handed out as clusters become free.
  public let ownTiles: Double

  /// How a device hands out tiles.
  public init(clusterUnits: Double, groups: Double, ownTiles: Double) {
    self.clusterUnits = clusterUnits
    self.groups = groups
    self.ownTiles = ownTiles
  }

  /// NVIDIA from Hopper on: persistent clusters of two units in eight processing clusters, two tiles each in advance.
  ///
  /// Read from products beside a kernel that holds 1 to 66 units of an H100
  /// (`notebooks-data/measurements/h100/held_units.csv`); the same steps show on an H200 with 80 to 128 units
  /// (`sm_partition.csv`).
  public static let persistentClusters = TileDispatch(clusterUnits: 2, groups: 8, ownTiles: 2)
  /// One tile to a unit, the next one when it has ended.
  public static let oneByOne = TileDispatch(clusterUnits: 1, groups: 1, ownTiles: 0)

  /// The dispatch of a device.
  ///
  /// - Parameter device: the device; NVIDIA's have clusters from 2022 (H100) on.
  /// - Returns: persistent clusters, or tiles one by one.
  public static func of(_ device: Device) -> TileDispatch {
    device.vendor == "NVIDIA" && (device.year ?? 0) >= 2022 ? persistentClusters : oneByOne
  }
}

/// The tiles of a product as waves on a device, and what becomes of them when some units are held by others.
///
/// A library chooses its tile for the whole device, without knowing who else runs. Its kernel launches as many clusters
/// as the device holds; those that find no room start when others have ended, and then still have their own tiles to do,
/// on a device that is nearly idle. That is why a product of two waves takes nearly twice as long beside an exchange that
/// holds an eighth of the units.
public struct TileWaves<N: ModelNumber>: Sendable {
  /// Rows of a tile (of the first dimension of the result).
  public let rows: N
  /// Columns of a tile.
  public let columns: N
  /// Tiles of the product.
  public let tiles: N
  /// Groups of tiles that clusters work on.
  public let clusters: N
  /// Clusters that the device holds at once.
  public let slots: N
  /// Waves on the whole device.
  public let waves: N
  /// How tiles are handed out.
  public let dispatch: TileDispatch

  /// Tiles that libraries have for 16-bit products, larger side first (names of the kernels that cuBLAS 13 ran for 24
  /// shapes on an H100).
  static var shapes: [(large: Double, small: Double)] {
    [(320, 128), (256, 128), (192, 192), (192, 128), (128, 128), (128, 64), (64, 64)]
  }
  /// Elements of a side that are lost to the start and the end of a tile: the rule below then chooses the tile of every
  /// kernel that cuBLAS chose for those 24 shapes.
  static var edge: Double { 32 }

  /// The waves of a product.
  ///
  /// - Parameters:
  ///   - gemm: its shape.
  ///   - units: compute units of the device.
  ///   - dispatch: how it hands out tiles.
  ///   - tuned: units that the tile is chosen for; all of the device if nil.
  public init(_ gemm: GEMM<N>, units: N, dispatch: TileDispatch, tuned: N? = nil) {
    let target = tuned ?? units
    var best = N(.greatestFiniteMagnitude)
    var (rows, columns, tiles) = (N(1), N(1), N(1))
    for (large, small) in Self.shapes {
      for (tileRows, tileColumns) in large == small ? [(large, small)] : [(small, large), (large, small)] {
        let count = (gemm.m / tileRows).roundedUp() * (gemm.n / tileColumns).roundedUp() * gemm.batch
        let area = tileRows * tileColumns * (1 + Self.edge * (1 / tileRows + 1 / tileColumns))
        let work = (count / target).roundedUp() * area
        // Of equal ones the first stays.
        let isBetter = 1.0000001 * work
        rows = N.choose(where: best, isAtMost: isBetter, then: rows, otherwise: N(tileRows))
        columns = N.choose(where: best, isAtMost: isBetter, then: columns, otherwise: N(tileColumns))
        tiles = N.choose(where: best, isAtMost: isBetter, then: tiles, otherwise: count)
        best = N.choose(where: best, isAtMost: isBetter, then: best, otherwise: work)
      }
    }
    self.init(
      rows: rows, columns: columns, tiles: tiles, units: units, dispatch: dispatch)
  }

  init(rows: N, columns: N, tiles: N, units: N, dispatch: TileDispatch) {
    self.rows = rows
    self.columns = columns
    self.tiles = tiles
    self.dispatch = dispatch
    clusters = (tiles / dispatch.clusterUnits).roundedUp()
    slots = N.larger(N(1), units / dispatch.clusterUnits)
    waves = N.larger(N(1), (clusters / slots).roundedUp())
  }

  /// Units that have nothing to do in the last wave.
  var idleUnits: N { dispatch.clusterUnits * (waves * slots - clusters) }

  /// Clusters that no longer find room when so many units are held.
  ///
  /// Held units lie spread over the groups: an odd one in each makes its neighbour useless. Read from up to a third of the
  /// units of an H100; where half are held, it counts an eighth too many.
  func lost(held: N) -> N {
    guard dispatch.clusterUnits > 1 else { return held }
    let odd = N.smaller(held, N(dispatch.groups)) * (dispatch.clusterUnits - 1)
    return (held + odd) / dispatch.clusterUnits
  }

  /// What the product does when others hold some units.
  ///
  /// - Parameters:
  ///   - held: units that others hold.
  ///   - isAligned: whether they are whole clusters, as in a partition, and not spread over the groups.
  /// - Returns: the waves that are left.
  public func crowd(held: N, isAligned: Bool = false) -> Crowd<N> {
    let gone = isAligned ? held / dispatch.clusterUnits : lost(held: held)
    let free = N.larger(N(1), slots - gone)
    let launched = N.smaller(slots, clusters)
    let late = N.larger(N(0), launched - free)
    // The first late cluster owns its tile and those a whole device's clusters further on, if there are any.
    let last = ((clusters - free) / slots - 1e-9).roundedUp()
    let own = N.smaller(N(dispatch.ownTiles), N.larger(N(dispatch.ownTiles > 0 ? 1 : 0), last))
    let shared = clusters - own * late
    let resident = N.larger(N(1), ((shared / free) - 1e-9).roundedUp())
    let idle = free * resident - shared
    // Late clusters start in the last wave of the others where that has room for them.
    let before = N.larger(N.smaller(resident, N(1)), resident - 1)
    let start = N.choose(where: idle, isAtMost: late, then: resident, otherwise: before)
    // More late clusters than room for them run in turns.
    let tail = own * N.larger(N(1), late / free)
    return Crowd(
      free: free, late: late, own: tail, clusters: clusters, slots: slots,
      resident: N.choose(where: late, isAtMost: N(0), then: waves, otherwise: resident), start: start,
      waves: waves)
  }
}

/// A product on the units that others leave.
public struct Crowd<N: ModelNumber>: Sendable {
  /// Clusters that find room.
  let free: N
  /// Clusters that do not, and start late.
  let late: N
  /// Waves of the tiles that late clusters own.
  let own: N
  let clusters: N
  let slots: N
  /// Waves of the clusters that found room.
  let resident: N
  /// Waves after which the late ones start.
  let start: N
  let waves: N

  /// Time of the product while others hold their units to its end, in seconds.
  ///
  /// - Parameters:
  ///   - unit: time of a wave alone, in seconds.
  ///   - lone: time of a tile on a nearly idle device, of that on a full one.
  /// - Returns: the time; that of the product alone where all clusters found room.
  public func time(unit: N, lone: N) -> N {
    let tail = start * unit + own * lone * unit
    let whole = N.larger(resident * unit, tail)
    return N.choose(where: late, isAtMost: N(0), then: waves * unit, otherwise: N.larger(whole, waves * unit))
  }

  /// The product when others give their units back some time after its start.
  ///
  /// - Parameters:
  ///   - time: when they do, in seconds.
  ///   - unit: time of a wave alone.
  ///   - product: time of the product alone.
  ///   - lone: as in ``time(unit:lone:)``.
  /// - Returns: when the product ends, and when the clusters that found room at once have ended.
  func interrupted(after time: N, unit: N, product: N, lone: N) -> (end: N, free: N) {
    let full = self.time(unit: unit, lone: lone)
    let tail = N.smaller(start * unit, time) + own * lone * unit
    // Tiles done by then, the rest on all units.
    let done = free * N.smaller(time, resident * unit) / unit
    let rest = time + N.larger(N(0), clusters - done) / slots * unit
    let late = N.smaller(full, N.larger(tail, N.smaller(rest, full)))
    let end = N.choose(where: self.late, isAtMost: N(0), then: product, otherwise: N.larger(late, product))
    return (end, N.smaller(end, N.larger(time, resident * unit)))
  }
}
