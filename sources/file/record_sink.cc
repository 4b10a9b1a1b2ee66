#include "sources/file/record_sink.h"

#include <fmt/format.h>

#include "base/text.h"

namespace bizond {
namespace {

constexpr size_t kRejectDataBytes = 64 << 10;

}  // namespace

Status RecordSink::Add(std::string_view json, std::string_view raw, uint64_t line) {
  if (Status added = parser_->Add(json, rows_read_, batch_); !added) [[unlikely]] {
    // No memory is no fault of the record.
    if (added.error().kind != ErrorKind::kPermanent) return added;
    return Bad(added.error().code, added.error().message, raw, line);
  }
  ++rows_read_;
  return {};
}

Status RecordSink::Bad(std::string_view code, std::string_view reason, std::string_view raw,
                       uint64_t line) {
  if (on_error_ == OnError::kFail) return Fatal(code, reason, line);
  batch_->rejects().push_back({.origin = fmt::format("{}:{}", path_, line),
                               .code = std::string(code),
                               .reason = std::string(reason),
                               .data = std::string(raw.substr(0, kRejectDataBytes)),
                               .position = rows_read_});
  ++rows_read_;
  return {};
}

Failure RecordSink::Fatal(std::string_view code, std::string_view reason, uint64_t line) const {
  return Fail(
      ErrorKind::kPermanent, code, fmt::format("{}:{}: {}", path_, line, reason),
      fmt::format("look at the line (sed -n {}p {}) and correct it, or set on_error: reject "
                  "to put bad records aside",
                  line, ShellQuote(path_)));
}

}  // namespace bizond
