#include "destinations/bigquery_streaming_v2/append_request.h"

#include <algorithm>

namespace bizond {
namespace {

// As much as the rejects file keeps of a record.
constexpr size_t kRejectBytes = size_t{64} << 10;
// ProtoRows.serialized_rows = 1, with a length.
constexpr char kRowTag = 0x0a;

}  // namespace

void AppendVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

void AppendRequest::Add(std::string_view row, const Record& record, uint64_t iteration) {
  rows_.push_back({.begin = bytes_->size(),
                   .data_begin = records_.size(),
                   .iteration = iteration,
                   .position = record.position});
  records_ += record.data.substr(0, kRejectBytes);
  bytes_->push_back(kRowTag);
  AppendVarint(row.size(), bytes_.get());
  *bytes_ += row;
}

std::string_view AppendRequest::RecordOf(size_t index) const {
  const size_t begin = rows_[index].data_begin;
  const size_t end = index + 1 < rows_.size() ? rows_[index + 1].data_begin : records_.size();
  return std::string_view(records_).substr(begin, end - begin);
}

std::string_view AppendRequest::FieldOf(size_t index) const {
  const size_t begin = rows_[index].begin;
  const size_t end = index + 1 < rows_.size() ? rows_[index + 1].begin : bytes_->size();
  return std::string_view(*bytes_).substr(begin, end - begin);
}

void AppendRequest::Remove(const std::vector<size_t>& indexes) {
  AppendRequest rest;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (std::binary_search(indexes.begin(), indexes.end(), i)) continue;
    rest.rows_.push_back(rows_[i]);
    rest.rows_.back().begin = rest.bytes_->size();
    rest.rows_.back().data_begin = rest.records_.size();
    *rest.bytes_ += FieldOf(i);
    rest.records_ += RecordOf(i);
  }
  // The old bytes may still be on their way: they are left to whoever sends them.
  *this = std::move(rest);
}

RejectedRecord AppendRequest::RejectOf(size_t index, std::string_view code,
                                       std::string reason) const {
  return {.origin = "",
          .code = std::string(code),
          .reason = std::move(reason),
          .data = std::string(RecordOf(index)),
          .position = rows_[index].position};
}

}  // namespace bizond
