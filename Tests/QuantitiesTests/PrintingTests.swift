import Foundation
import Quantities
import TestSupport
import Testing

@Suite struct PrintingTests {
  @Test func quantities() {
    #expect(Seconds(0).formatted() == "0 s")
    #expect(Seconds(12.5e-6).formatted() == "12.5 us")
    #expect(Seconds(-12.5e-6).formatted() == "-12.5 us")
    #expect(Seconds(4321).formatted() == "4320 s")
    #expect(Bytes(141e9).formatted() == "141 GB")
    #expect(Bytes(67_108_864).formatted(binary: true) == "64.0 MiB")
    #expect(Bytes(67_108_864).formatted() == "67.1 MB")
    #expect(BytesPerSecond(4.8e12).formatted() == "4.80 TB/s")
    #expect(BytesPerSecond(4.8e12).formatted(digits: 2) == "4.8 TB/s")
    #expect(FLOPPerSecond(989.4e12).formatted() == "989 TFLOP/s")
    #expect(JoulesPerByte(160e-12).formatted() == "160 pJ/B")
    #expect(Number(132).formatted() == "132")
    #expect(FLOPPerByte(206.04).formatted() == "206 FLOP/B")
    #expect(Watts(700).formatted() == "700 W")
  }

  /// A number that rounds up to the next prefix is written with that prefix.
  @Test func roundingMovesToTheNextPrefix() {
    #expect(Bytes(999.96e3).formatted() == "1.00 MB")
    #expect(Bytes(999.4e3).formatted() == "999 kB")
    #expect(Seconds(999.96e-6).formatted() == "1.00 ms")
    #expect(formatted(999.96) == "1000")
    #expect(formatted(9.996) == "10.0")
  }

  @Test func numbersWithoutUnit() {
    #expect(formatted(0) == "0")
    #expect(formatted(.infinity) == "inf")
    #expect(formatted(-.infinity) == "-inf")
    #expect(formatted(.nan) == "nan")
    #expect(formatted(123456) == "123000")
    #expect(formatted(1_234_567) == "1.23e6")
    #expect(formatted(0.00012345) == "0.000123")
    #expect(formatted(0.000012345) == "1.23e-5")
    #expect(formatted(-2.5, digits: 1) == "-3")
    #expect(formatted(1e300) == "1.00e300")
    #expect(formatted(Double.greatestFiniteMagnitude, digits: 6) == "1.79769e308")
    #expect(formatted(Double.leastNonzeroMagnitude) == "4.94e-324")
    #expect(formatted(Double.leastNormalMagnitude, digits: 6) == "2.22507e-308")
    #expect(fixed(0.05, decimals: 1) == "0.1")
    #expect(fixed(-0.04, decimals: 1) == "0.0")
    #expect(fixed(1e12, decimals: 9) == "1000000000000.000000000")
    #expect(fixed(123, decimals: 0) == "123")
    #expect(fixed(.nan, decimals: 2) == "nan")
  }

  @Test func valueInAUnit() {
    #expect(Seconds(1.5).value(in: "s") == 1.5)
    #expect(Seconds(90).value(in: "min") == 1.5)
    #expect(Bytes(3 * 1_048_576).value(in: "MiB") == 3)
    #expect(Seconds(1).value(in: "GB") == nil)
  }

  /// C's printf is the oracle: the same significant digits, whatever the notation.
  @Test(arguments: UInt64(0)..<300)
  func significantDigitsAgreeWithPrintf(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<20 {
      let value = random.number(powersOfTen: -300...300, signed: true)
      let digits = Int.random(in: 1...12, using: &random)
      let expected = try #require(Double(String(format: "%.\(digits - 1)e", value)))
      let text = formatted(value, digits: digits)
      #expect(Double(text) == expected, "\(value) with \(digits) digits is \(text)")
      let mantissa = text.prefix { $0 != "e" }.filter(\.isNumber).drop { $0 == "0" }
      #expect(mantissa.count >= digits, "\(value) with \(digits) digits is \(text)")
    }
  }

  @Test(arguments: UInt64(0)..<300)
  func decimalsAgreeWithPrintf(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<20 {
      let value = random.number(powersOfTen: -3...5, signed: true)
      let decimals = Int.random(in: 0...9, using: &random)
      let expected = String(format: "%.\(decimals)f", value)
      let isNothing = !expected.contains { ("1"..."9").contains($0) }
      let unsigned = isNothing && expected.hasPrefix("-") ? String(expected.dropFirst()) : expected
      #expect(fixed(value, decimals: decimals) == unsigned)
    }
  }

  private func roundTrip<D: Quantities.Dimension>(
    _: Quantity<D>.Type, _ value: Double, _ place: SourceLocation = #_sourceLocation
  ) throws {
    let quantity = Quantity<D>(value)
    #expect(try Quantity<D>(parsing: quantity.description) == quantity, sourceLocation: place)
    let printed = try Quantity<D>(parsing: quantity.formatted(digits: 15))
    #expect(abs(printed.value / value - 1) < 1e-14, sourceLocation: place)
    let short = try Quantity<D>(parsing: quantity.formatted())
    #expect(abs(short.value / value - 1) <= 0.5e-2 * (1 + 1e-9), sourceLocation: place)
  }

  /// What is printed is read back: with all digits exactly, with 15 to the 14th, with 3 to half of the third.
  @Test(arguments: UInt64(0)..<200)
  func printedIsReadBack(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let value = random.number(powersOfTen: -25...30, signed: true)
    try roundTrip(Seconds.self, value)
    try roundTrip(Bytes.self, value)
    try roundTrip(FLOP.self, value)
    try roundTrip(Joules.self, value)
    try roundTrip(Watts.self, value)
    try roundTrip(Hertz.self, value)
    try roundTrip(BytesPerSecond.self, value)
    try roundTrip(FLOPPerSecond.self, value)
    try roundTrip(JoulesPerByte.self, value)
    try roundTrip(JoulesPerFLOP.self, value)
    try roundTrip(FLOPPerByte.self, value)
    try roundTrip(Number.self, value)
    let bytes = Bytes(abs(value))
    let binary = try Bytes(parsing: bytes.formatted(digits: 15, binary: true))
    #expect(abs(binary / bytes - 1) < 1e-14)
  }

  /// Between the smallest and the largest prefix the number stays between 1 and 1000.
  @Test(arguments: UInt64(0)..<200)
  func prefixKeepsTheNumberShort(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let value = random.number(powersOfTen: 0...26)
    let number = try #require(Double(Bytes(value).formatted().split(separator: " ")[0]))
    #expect(number >= 1 && number < 1000)
    let time = random.number(powersOfTen: -17...0)
    let short = try #require(Double(Seconds(time).formatted().split(separator: " ")[0]))
    #expect(short >= 1 && short < 1000)
  }
}

@Suite struct AlgebraTests {
  @Test func unitsMultiplyAndDivide() {
    // 141 GB over 4.8 TB/s; 700 W for an hour is 0.7 kWh.
    let sweep: Seconds = Bytes(141e9) / BytesPerSecond(4.8e12)
    #expect(abs(sweep.value - 0.029375) < 1e-15)
    let energy: Joules = Watts(700) * Seconds(3600)
    #expect(energy.value(in: "kWh") == 0.7)
    let power: Watts = energy / Seconds(3600)
    #expect(power.value == 700)
    let duration: Seconds = energy / Watts(700)
    #expect(duration.value == 3600)
    let rate: BytesPerSecond = Bytes(100) / Seconds(4)
    #expect(rate.value == 25)
    let moved: Bytes = rate * Seconds(4)
    #expect(moved.value == 100)
    let work: FLOP = FLOPPerSecond(10) * Seconds(5)
    #expect(work.value == 50)
    let again: Seconds = work / FLOPPerSecond(10)
    #expect(again.value == 5)
    let speed: FLOPPerSecond = work / Seconds(5)
    #expect(speed.value == 10)
    let ridge: FLOPPerByte = FLOPPerSecond(989e12) / BytesPerSecond(4.8e12)
    #expect(abs(ridge.value - 206.0416667) < 1e-6)
    let fed: FLOPPerSecond = ridge * BytesPerSecond(4.8e12)
    #expect(abs(fed.value / 989e12 - 1) < 1e-15)
    let moving: Joules = JoulesPerByte(160e-12) * Bytes(1e9)
    #expect(abs(moving.value - 0.16) < 1e-15)
    let computing: Joules = JoulesPerFLOP(1e-12) * FLOP(1e12)
    #expect(computing.value == 1)
    let cycles: Seconds = 350 / Hertz(350e6)
    #expect(cycles.value == 1e-6)
    let intensity: FLOPPerByte = FLOP(8) / Bytes(2)
    #expect(intensity.value == 4)
    let ratio: Double = Bytes(6) / Bytes(2)
    #expect(ratio == 3)
  }

  @Test func linearWithinADimension() {
    var sum = Seconds.zero
    sum += Seconds(2)
    sum += Seconds(3)
    #expect(sum == Seconds(5))
    #expect(2 * sum - sum == sum)
    #expect(sum * 2 / 2 == sum)
    #expect(Seconds(1) < Seconds(2))
  }

  /// The dimension costs nothing at run time.
  @Test func layoutIsThatOfADouble() {
    #expect(MemoryLayout<Seconds>.size == 8)
    #expect(MemoryLayout<Seconds>.stride == 8)
    #expect(MemoryLayout<Bytes>.alignment == MemoryLayout<Double>.alignment)
  }

  /// Sizes of the formats as their standards give them (IEEE 754, OCP FP8 and MX).
  @Test func dataTypes() {
    let bits: [DataType: Int] = [
      .fp64: 64, .fp32: 32, .tf32: 32, .fp16: 16, .bf16: 16, .fp8: 8, .fp4: 4, .int64: 64, .int32: 32,
      .int8: 8,
    ]
    for type in DataType.allCases {
      #expect(type.bits == bits[type], "\(type)")
      #expect(type.bytes * 8 == Double(type.bits))
    }
    #expect(DataType.fp4.bytes == 0.5)
  }

  @Test func trustIsOrdered() {
    let ladder = Provenance.Kind.allCases.shuffled().sorted().map(\.rawValue)
    #expect(ladder == ["measured", "published", "fitted", "recalled", "assumed"])
  }
}
