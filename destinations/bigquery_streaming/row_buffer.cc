#include "destinations/bigquery_streaming/row_buffer.h"

#include <algorithm>

namespace bizond {
RowBuffer::Range RowBuffer::Append(std::string_view text, std::string* to) {
  const Range range{.begin = to->size(), .size = text.size()};
  to->append(text);
  return range;
}

void RowBuffer::Add(std::string_view row, std::string_view insert_id, const Record& record,
                    uint64_t iteration) {
  rows_.push_back({.row = Append(row, &text_),
                   .id = Append(insert_id, &ids_),
                   .record = Append(record.data.substr(0, kRejectBytesMax), &records_),
                   .iteration = iteration,
                   .position = record.position});
}

void RowBuffer::Clear() {
  text_.clear();
  ids_.clear();
  records_.clear();
  rows_.clear();
}

RejectedRecord RowBuffer::Rejected(size_t i, std::string_view code, std::string reason) const {
  return {.origin = "",
          .code = std::string(code),
          .reason = std::move(reason),
          .data = std::string(Part(records_, rows_[i].record)),
          .position = rows_[i].position};
}

void WriteInsertRows(const RowBuffer& rows, std::span<const size_t> places, std::string* out) {
  out->clear();
  *out += '[';
  for (const size_t place : places) {
    if (out->size() > 1) *out += ',';
    *out += R"({"insertId":")";
    *out += rows.insert_id(place);  // Letters, digits and a dash.
    *out += R"(","json":)";
    *out += rows.row(place);
    *out += '}';
  }
  *out += ']';
}

}  // namespace bizond
