import Quantities
import TestSupport
import Testing

/// All operations that a closed form may use.
private struct Everything: RecordableForm {
  func outputs<N: ModelNumber>(_ x: [N]) -> [N] {
    let sum = x[0] + 2 * x[1] - x[2] / 3
    let size = (x[0] * x[0] + x[1] * x[1]).squareRoot()
    let rest = N.smaller(N.larger(x[0], x[1]), x[2])
    let chosen = N.choose(where: x[0], isAtMost: x[1], then: size, otherwise: rest)
    let power = N.larger(size, N(1e-3)).raised(to: N(0.5))
    let constant = N(3) * N(4) + N(1)
    return [sum, chosen, (x[1] * 7).roundedUp(), power, (x[2] / (1 + size)).exponential(), constant, sum]
  }
}

/// A sum that is deeper than a thread's stack would bear as a recursion.
private struct Deep: RecordableForm {
  func outputs<N: ModelNumber>(_ x: [N]) -> [N] {
    [(0..<20_000).reduce(x[0]) { sum, _ in sum + x[1] }]
  }
}

@Suite struct FormProgramTests {
  /// The program is the form: the same bits for any inputs.
  @Test func aProgramIsItsForm() {
    let program = FormProgram(Everything(), inputCount: 3)
    var random = SplitMix64(seed: 11)
    for _ in 0..<500 {
      let inputs = (0..<3).map { _ in random.number(powersOfTen: -6...6, signed: true) }
      #expect(program.evaluate(inputs) == Everything().outputs(inputs))
    }
  }

  /// Equal operations are carried out once, and constants not at all.
  @Test func nothingIsDoneTwice() {
    struct Twice: RecordableForm {
      func outputs<N: ModelNumber>(_ x: [N]) -> [N] { [(x[0] + 1) * (x[0] + 1), N(2) * N(3)] }
    }
    let program = FormProgram(Twice(), inputCount: 1)
    #expect(program.operationCount == 2)
    #expect(program.evaluate([4]) == [25, 6])
    #expect(program.javaScript == "x=>{const v2=(x[0]+1);return[(v2*v2),6]}")
  }

  @Test func deepSums() {
    #expect(FormProgram(Deep(), inputCount: 2).evaluate([1, 0.5]) == [10_001])
  }
}
