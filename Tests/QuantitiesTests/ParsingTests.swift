import Quantities
import TestSupport
import Testing

/// The error of a text that should not be read, or nil.
private func failure<D: Dimension>(_ text: String, as: Quantity<D>.Type) -> QuantityError? {
  do throws(QuantityError) {
    _ = try Quantity<D>(parsing: text)
    return nil
  } catch {
    return error
  }
}

@Suite struct ParsingTests {
  @Test(
    arguments: [
      ("1 s", 1.0), ("12.5 us", 12.5e-6), ("12.5 \u{b5}s", 12.5e-6), ("12.5 \u{3bc}s", 12.5e-6),
      ("3ms", 3e-3), ("7 ns", 7e-9), ("2 ps", 2e-12), ("1e-6 s", 1e-6), ("1E3 s", 1000), ("1.5 min", 90),
      ("2 h", 7200), ("1 d", 86400), ("  4\ts  ", 4), ("+5 s", 5), ("-5 s", -5), (".5 s", 0.5), ("5. s", 5),
      ("0 s", 0),
    ])
  func times(text: String, seconds: Double) throws {
    #expect(abs(try Seconds(parsing: text).value - seconds) <= 1e-15 * abs(seconds))
  }

  /// What people write in small units is the number that they mean, to the last digit.
  @Test func smallUnitsAreExact() throws {
    #expect(try Seconds(parsing: "10 us").value == 1e-5)
    #expect(try Seconds(parsing: "2.3 us").value == 2.3e-6)
    #expect(try Seconds(parsing: "7 ns").value == 7e-9)
    #expect(try JoulesPerByte(parsing: "20 pJ/B").value == 20e-12)
    #expect(try Number(parsing: "7 %").value == 0.07)
    #expect(try Seconds(parsing: "12.5 us").value(in: "us") == 12.5)
  }

  @Test(
    arguments: [
      ("1 B", 1.0), ("64 MiB", 67_108_864), ("141 GB", 141e9), ("60 KiB", 61440), ("1 Gi", nil),
      ("2 TB", 2e12),
      ("1 TiB", 1_099_511_627_776), ("1 PiB", 1_125_899_906_842_624), ("1 EiB", 1_152_921_504_606_846_976),
      ("8 bit", 1), ("8 Gbit", 1e9), ("1 Kibit", 128),
    ] as [(String, Double?)])
  func data(text: String, bytes: Double?) {
    #expect((try? Bytes(parsing: text).value) == bytes)
  }

  @Test func everyOtherDimension() throws {
    #expect(try BytesPerSecond(parsing: "4.8 TB/s").value == 4.8e12)
    // 400 Gb/s is the line rate of an InfiniBand NDR port: 50 GB/s.
    #expect(try BytesPerSecond(parsing: "400 Gb/s").value == 50e9)
    #expect(try BytesPerSecond(parsing: "400 Gbit/s").value == 50e9)
    #expect(try BytesPerSecond(parsing: "1 GiB/s").value == 1_073_741_824)
    #expect(try FLOPPerSecond(parsing: "989 TFLOP/s").value == 989e12)
    #expect(try FLOPPerSecond(parsing: "1979 TOP/s").value == 1979e12)
    #expect(try FLOP(parsing: "3.14e23 FLOP").value == 3.14e23)
    #expect(try FLOP(parsing: "314 ZFLOP").value == 314e21)
    #expect(try Joules(parsing: "1 kWh").value == 3.6e6)
    #expect(try Joules(parsing: "20 mJ").value == 0.02)
    #expect(try Watts(parsing: "0.7 kW").value == 700)
    #expect(try Hertz(parsing: "1980 MHz").value == 1.98e9)
    // 20 pJ/bit is 160 pJ a byte.
    #expect(abs(try JoulesPerByte(parsing: "20 pJ/bit").value - 160e-12) < 1e-24)
    #expect(abs(try JoulesPerByte(parsing: "20pJ/bit").value - 160e-12) < 1e-24)
    #expect(abs(try JoulesPerFLOP(parsing: "0.5 pJ/FLOP").value - 0.5e-12) < 1e-27)
    #expect(try FLOPPerByte(parsing: "206 FLOP/B").value == 206)
    #expect(try Number(parsing: "132").value == 132)
    #expect(try Number(parsing: "50 %").value == 0.5)
    #expect(try Number(parsing: "12.5%").value == 0.125)
  }

  @Test func wrongTexts() {
    #expect(failure("", as: Seconds.self)?.reason == .empty)
    #expect(failure(" 5 GB", as: Seconds.self)?.text == " 5 GB")
    #expect(failure(" 5 GB", as: Seconds.self)?.expected == "a time")
    #expect(failure(" \t", as: Seconds.self)?.reason == .empty)
    for text in ["fast", "-", "+ 5 s", "1.2.3 s", "--5 s", "GB", "e5 s", "."] {
      #expect(failure(text, as: Seconds.self)?.reason == .notANumber, "\(text)")
    }
    for text in [
      "inf s", "-inf", ".inf", "-.inf", "nan", ".NaN", "NaN s", "Infinity", "1e400 s", "1.7e308 d",
    ] {
      #expect(failure(text, as: Seconds.self)?.reason == .notFinite, "\(text)")
    }
    #expect(failure("5", as: Seconds.self)?.reason == .missingUnit(examples: ["us"]))
    #expect(failure("5", as: Bytes.self)?.reason == .missingUnit(examples: ["GB", "TB"]))
    #expect(failure("5", as: FLOPPerByte.self)?.reason == .missingUnit(examples: ["FLOP/B"]))
    #expect(
      failure("5 GB", as: BytesPerSecond.self)?.reason
        == .wrongDimension(unit: "GB", isA: "an amount of data"))
    #expect(failure("5 W", as: Joules.self)?.reason == .wrongDimension(unit: "W", isA: "a power"))
    #expect(failure("5 MHz", as: Number.self)?.reason == .wrongDimension(unit: "MHz", isA: "a frequency"))
    #expect(failure("5 %", as: Seconds.self)?.reason == .wrongDimension(unit: "%", isA: "a plain number"))
  }

  @Test(
    arguments: [
      ("4 gb/s", ["Gb/s", "GB/s"]), ("4 GB/S", ["GB/s", "Gb/s"]), ("4 tb/s", ["Tb/s", "TB/s"]),
      ("4 GBs", ["GB/s"]), ("4 GB/sec", ["GB/s"]), ("4 MBps", ["MB/s", "Mb/s"]), ("4 furlongs/fortnight", []),
    ])
  func nearestUnits(text: String, nearest: [String]) {
    guard case .unknownUnit(_, let found)? = failure(text, as: BytesPerSecond.self)?.reason else {
      Issue.record("'\(text)' should have an unknown unit")
      return
    }
    #expect(Set(found) == Set(nearest))
  }

  @Test func unitsTakeNoPrefixOfAnotherKind() {
    // Nobody means kiloseconds by "ks", and millibytes do not exist.
    for text in ["1 ks", "1 Gs", "1 kmin", "1 k%"] {
      #expect(failure(text, as: Seconds.self) != nil, "\(text)")
    }
    for text in ["1 mB", "1 nB", "1 pbit"] { #expect(failure(text, as: Bytes.self) != nil, "\(text)") }
    #expect(failure("1 KiFLOP", as: FLOP.self) != nil)
  }

  /// Texts made from parts are read as the product of the parts.
  @Test(arguments: UInt64(0)..<200)
  func numberTimesUnit(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let number = random.number(powersOfTen: -12...12, signed: true)
    let space = ["", " ", "  ", "\t"].randomElement(using: &random) ?? ""
    // From SI and IEC 80000-13, not from the program.
    let prefixes: [(String, Double)] = [
      ("", 1), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15), ("E", 1e18), ("Ki", 1024),
      ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("Ti", 1_099_511_627_776),
    ]
    let (prefix, factor) = prefixes.randomElement(using: &random) ?? ("", 1)
    let (unit, size) =
      [("B/s", 1.0), ("b/s", 0.125), ("bit/s", 0.125)].randomElement(using: &random) ?? ("B/s", 1)
    let value = try BytesPerSecond(parsing: "\(number)\(space)\(prefix)\(unit)").value
    #expect(abs(value / (number * factor * size) - 1) < 1e-15)
  }

  /// Whatever stands in a file, reading it ends in a finite number or an error.
  @Test(arguments: UInt64(0)..<200)
  func noise(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<50 {
      let bytes = Array(Mutator.noise(using: &random).prefix(24))
      let text = (Bool.random(using: &random) ? "4.8 TB" : "") + String(decoding: bytes, as: UTF8.self)
      if let value = try? BytesPerSecond(parsing: text) { #expect(value.value.isFinite) }
    }
  }
}

@Suite struct SpellingTests {
  @Test func ordersByDistance() {
    #expect(nearestSpellings(to: "gb/s", among: ["GB/s", "Gb/s", "MB/s", "B"]) == ["Gb/s", "GB/s"])
    #expect(nearestSpellings(to: "bandwith", among: ["bandwidth", "latency"]) == ["bandwidth"])
    // A swap of neighbours is one edit, as people make it.
    #expect(nearestSpellings(to: "layres", among: ["layers", "heads"]) == ["layers"])
    #expect(nearestSpellings(to: "H200", among: ["h200", "h100"]) == ["h200"])
  }

  @Test func givesNothingWhenNothingIsNear() {
    #expect(nearestSpellings(to: "colour", among: ["layers", "heads"]) == [])
    #expect(nearestSpellings(to: "x", among: []) == [])
    #expect(nearestSpellings(to: "", among: ["abc"]) == [])
    #expect(nearestSpellings(to: String(repeating: "a", count: 65), among: ["a"]) == [])
    #expect(nearestSpellings(to: "abc", among: [""]) == [])
  }

  @Test func keepsToTheLimit() {
    let many = ["aab", "aac", "aad", "aae", "aaf"]
    #expect(nearestSpellings(to: "aaa", among: many).count == 3)
    #expect(nearestSpellings(to: "aaa", among: many, limit: 5).count == 5)
    #expect(nearestSpellings(to: "aaa", among: ["aab", "aab"]) == ["aab"])
  }

  /// One random edit of a long word never hides it.
  @Test(arguments: UInt64(0)..<200)
  func oneEdit(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let known = ["key_value_heads", "feed_forward", "vocabulary", "tied_embeddings", "normalization"]
    let word = known.randomElement(using: &random) ?? ""
    var letters = Array(word)
    let place = Int.random(in: 0..<letters.count - 1, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: letters.remove(at: place)
    case 1: letters.insert("q", at: place)
    case 2: letters[place] = "q"
    default: letters.swapAt(place, place + 1)
    }
    #expect(nearestSpellings(to: String(letters), among: known) == [word])
  }
}
