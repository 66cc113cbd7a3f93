import Calibration
import Documents
import Foundation
import Hardware
import Scenarios
import Workloads

/// The catalogue beside which names in the input are looked up; a name that is a path is read as that file.
private let library = Library(root: ProcessInfo.processInfo.environment["ROOFTREE_MODELS"] ?? "models")

/// One input through every reader: it may be refused, and must not end the program.
///
/// - Parameters:
///   - start: the bytes.
///   - count: how many there are.
/// - Returns: always 0, as libFuzzer asks for.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzReaders(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  do {
    let text = try decodeUTF8(bytes, file: "input")
    readTable(text)
    readModels(try parseDocument(text, file: "input"))
  } catch {
    check(error)
  }
  return 0
}

/// A complaint is one line that a terminal can show.
private func check(_ fault: Diagnostic) {
  let words = fault.description
  precondition(!words.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }, "control character")
}

private func attempt(_ read: () throws -> Void) {
  do {
    try read()
  } catch let fault as Diagnostic {
    check(fault)
  } catch {
    preconditionFailure("an error that is no Diagnostic: \(error)")
  }
}

private func readTable(_ text: String) {
  attempt {
    let values = try measurements(text: text, file: "input").values
    precondition(values.allSatisfy { $0.measured.isFinite && $0.measured > 0 }, "a time that is none")
  }
}

private func readModels(_ node: DocumentNode) {
  attempt { _ = try Device(node: node, in: library) }
  attempt {
    let model = try TransformerModel(node: node)
    precondition(model.parameters.isFinite && model.parameters > 0, "a model without parameters")
  }
  attempt { _ = try TransformerModel(huggingFace: node, name: "input") }
  attempt { _ = try operatorList(node) }
  attempt {
    let scenario = try Scenario(node: node, path: "input", in: library)
    precondition(!scenario.project().root.time.value.isNaN, "a time that is no number")
  }
}
