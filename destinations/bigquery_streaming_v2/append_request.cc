#include "destinations/bigquery_streaming_v2/append_request.h"

#include <algorithm>

namespace bizond {
namespace {

// As much as the rejects file keeps of a record.
constexpr size_t kRejectBytes = size_t{64} << 10;
// ProtoRows.serialized_rows = 1, with a length.
constexpr char kRowTag = 0x0a;

}  // namespace

void AppendRequest::Add(std::string_view row, size_t data_at, const Record& record,
                        uint64_t iteration) {
  const std::string_view data = record.data.substr(0, kRejectBytes);
  std::string& bytes = bytes_->text;
  const size_t begin = bytes.size();
  bytes.push_back(kRowTag);
  AppendVarint(row.size(), &bytes);
  const bool in_row = data_at != kNotInRow;
  rows_.push_back({.begin = begin,
                   .data_begin = in_row ? bytes.size() - begin + data_at : records_.size(),
                   .data_bytes = static_cast<uint32_t>(data.size()),
                   .data_in_row = in_row,
                   .position = record.position,
                   .iteration = iteration});
  bytes += row;
  if (!in_row) records_ += data;
}

std::string_view AppendRequest::RecordOf(size_t index) const {
  const Row& row = rows_[index];
  const std::string_view from = row.data_in_row ? FieldOf(index) : std::string_view(records_);
  return from.substr(row.data_begin, row.data_bytes);
}

std::string_view AppendRequest::FieldOf(size_t index) const {
  const size_t begin = rows_[index].begin;
  const size_t end = index + 1 < rows_.size() ? rows_[index + 1].begin : bytes();
  return std::string_view(bytes_->text).substr(begin, end - begin);
}

void AppendRequest::Remove(const std::vector<size_t>& indexes) {
  AppendRequest rest;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (std::binary_search(indexes.begin(), indexes.end(), i)) continue;
    rest.rows_.push_back(rows_[i]);
    rest.rows_.back().begin = rest.bytes();
    rest.bytes_->text += FieldOf(i);
    if (rows_[i].data_in_row) continue;
    rest.rows_.back().data_begin = rest.records_.size();
    rest.records_ += RecordOf(i);
  }
  // The old bytes may still be on their way: they are left to whoever sends them.
  *this = std::move(rest);
}

void AppendRequest::Clear() {
  // gRPC lets go of what it has sent; until then the bytes are not ours to change.
  if (bytes_->senders.load(std::memory_order_acquire) > 0) bytes_ = std::make_shared<RowBytes>();
  bytes_->text.clear();
  records_.clear();
  rows_.clear();
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
