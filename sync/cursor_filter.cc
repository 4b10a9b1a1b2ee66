#include "sync/cursor_filter.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bizond {
namespace {

constexpr size_t kRejectDataBytes = 64 << 10;
constexpr size_t kPrefetchRecords = 8;

Status CannotRestore() {
  return Fail(ErrorKind::kPermanent, "bad_checkpoint",
              "the cursor's progress in the checkpoint does not read",
              "run the job with --reset, or restore a backup of the state directory");
}

std::string ToBinary(const nlohmann::json& bytes) {
  const auto& binary = bytes.get_binary();
  return {binary.begin(), binary.end()};
}

nlohmann::json Binary(const std::string& bytes) {
  return nlohmann::json::binary(std::vector<uint8_t>(bytes.begin(), bytes.end()));
}

}  // namespace

Result<CursorFilter> CursorFilter::Create(std::string cursor_field, const CursorPolicy& policy,
                                          const std::optional<Watermark>& before, UtcTime now,
                                          BoundarySpill spill) {
  CursorFilter filter;
  filter.field_ = std::move(cursor_field);
  filter.policy_ = policy;
  filter.spill_ = std::move(spill);
  const std::string limit = '"' + FormatUtcMicros(now + policy.future_tolerance) + '"';
  BIZOND_ASSIGN_OR_RETURN(filter.future_limit_, CursorValue::Parse(limit));
  if (!before) return filter;
  BIZOND_ASSIGN_OR_RETURN(filter.published_, BoundarySet::Decode(before->boundary));
  if (before->cursor.empty()) {
    BIZOND_RETURN_IF_ERROR(filter.IndexPublished());
    return filter;
  }
  filter.type_ = ParseCursorType(before->cursor_type);
  BIZOND_ASSIGN_OR_RETURN(CursorValue top, CursorValue::Parse(before->cursor, filter.type_));
  BIZOND_RETURN_IF_ERROR(filter.CheckLookback(before->cursor));
  filter.before_floor_ = filter.FloorOf(top);
  if (before->window && *before->window < policy.lookback) {
    filter.before_floor_ = top.Minus(*before->window);
  }
  filter.before_ = std::move(top);
  filter.before_token_ = before->cursor;
  BIZOND_RETURN_IF_ERROR(filter.IndexPublished());
  return filter;
}

Status CursorFilter::IndexPublished() {
  BIZOND_ASSIGN_OR_RETURN(known_, BoundaryIndex::Create(published_.TotalEntries(),
                                                        spill_.index_bytes, spill_.directory));
  // Neighbours often share their cursor, which is then looked at once.
  std::string token;
  bool wanted = true;
  return published_.ForEach(
      spill_, [&](const Hash128& hash, std::string_view cursor, uint32_t count) {
        if (cursor != token) {
          token = cursor;
          wanted = true;
          if (before_ && !cursor.empty()) {
            const CursorValue value = CursorValue::Parse(cursor, type_).value_or(CursorValue());
            // What lies below the window is filtered before anybody asks.
            wanted = CursorValue::Compare(value, *before_floor_) >= 0;
            if (CursorValue::Compare(value, *before_) > 0 &&
                (!held_min_ || CursorValue::Compare(value, *held_min_) < 0)) {
              held_min_ = value;
            }
          }
        }
        if (wanted) known_.Add(hash, count);
      });
}

Status CursorFilter::Restore(std::string_view progress) {
  if (progress.empty()) return {};
  try {
    return RestoreFrom(nlohmann::json::from_cbor(progress));
  } catch (const nlohmann::json::exception&) {
    return CannotRestore();
  }
}

Status CursorFilter::RestoreFrom(const nlohmann::json& state) {
  if (!state.is_object() || state.value("format", 0) != 1) return CannotRestore();
  type_ = ParseCursorType(state.value("type", ""));
  greatest_token_ = state.value("greatest", "");
  if (!greatest_token_.empty()) {
    BIZOND_ASSIGN_OR_RETURN(greatest_, CursorValue::Parse(greatest_token_, type_));
  }
  if (!state.contains("seen") || !state["seen"].is_binary() || !state.contains("consumed") ||
      !state["consumed"].is_binary()) {
    return CannotRestore();
  }
  BIZOND_ASSIGN_OR_RETURN(seen_, BoundarySet::Decode(ToBinary(state["seen"])));
  BIZOND_ASSIGN_OR_RETURN(consumed_, BoundarySet::Decode(ToBinary(state["consumed"])));
  return consumed_.ForEach(spill_, [&](const Hash128& hash, std::string_view, uint32_t count) {
    known_.Take(hash, count);
  });
}

std::vector<int64_t> CursorFilter::ChunkIds() const {
  std::vector<int64_t> ids = seen_.ChunkIds();
  const std::vector<int64_t> consumed = consumed_.ChunkIds();
  ids.insert(ids.end(), consumed.begin(), consumed.end());
  return ids;
}

std::string CursorFilter::Encode() const {
  const nlohmann::json state = {{"format", 1},
                                {"type", CursorTypeName(type_)},
                                {"greatest", greatest_token_},
                                {"seen", Binary(seen_.Encode())},
                                {"consumed", Binary(consumed_.Encode())}};
  std::string out;
  nlohmann::json::to_cbor(state, out);
  return out;
}

Result<FilterCounts> CursorFilter::Apply(RecordBatch* batch) {
  FilterCounts counts;
  passed_.clear();
  std::vector<Record>& records = batch->records();
  size_t kept = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    // The bytes were last touched by the reader's core: each would be waited for in turn.
    if (i + kPrefetchRecords < records.size()) {
      __builtin_prefetch(records[i + kPrefetchRecords].cursor.data());
    }
    BIZOND_ASSIGN_OR_RETURN(const Verdict verdict, Judge(records[i], batch, &counts));
    switch (verdict) {
      case Verdict::kPass:
        records[kept++] = records[i];
        break;
      case Verdict::kDeduplicated:
        ++counts.deduplicated;
        break;
      case Verdict::kFiltered:
        ++counts.filtered;
        break;
      case Verdict::kRejected:
        ++counts.rejected;
        break;
    }
  }
  records.resize(kept);
  BIZOND_RETURN_IF_ERROR(Remember(*batch));
  return counts;
}

Result<CursorFilter::Verdict> CursorFilter::Judge(const Record& record, RecordBatch* batch,
                                                  FilterCounts* counts) {
  BIZOND_ASSIGN_OR_RETURN(CursorValue value, CursorValue::Parse(record.cursor, type_));
  if (value.type() == CursorType::kNone) return JudgeNull(record, batch);
  BIZOND_RETURN_IF_ERROR(CheckType(value, record.cursor));
  const bool above = !before_ || CursorValue::Compare(value, *before_) > 0;
  if (!above && CursorValue::Compare(value, *before_floor_) < 0) return Verdict::kFiltered;
  const bool future =
      type_ == CursorType::kTimestamp && CursorValue::Compare(value, future_limit_) > 0;
  if (!future && (!greatest_ || CursorValue::Compare(value, *greatest_) > 0)) {
    greatest_ = value;
    greatest_token_ = record.cursor;
  }
  // Without a watermark the set may still hold rows from beyond the tolerance.
  const bool maybe_known =
      !above || !before_ || (held_min_ && CursorValue::Compare(value, *held_min_) >= 0);
  if (maybe_known) {
    BIZOND_ASSIGN_OR_RETURN(const bool known, ConsumePublished(record.data));
    if (known) return Verdict::kDeduplicated;
  }
  if (future) ++counts->future;
  if (!above && CursorValue::Compare(value, *before_) < 0) ++counts->late;
  passed_.push_back(std::move(value));
  return Verdict::kPass;
}

Result<CursorFilter::Verdict> CursorFilter::JudgeNull(const Record& record, RecordBatch* batch) {
  if (policy_.on_null == OnNullCursor::kFail) {
    return Fail(ErrorKind::kPermanent, "null_cursor",
                "a record has no " + field_ + ": " + std::string(record.data.substr(0, 200)),
                "set source.cursor.on_null to include or reject, or choose another cursor_field");
  }
  BIZOND_ASSIGN_OR_RETURN(const bool known, ConsumePublished(record.data));
  if (known) return Verdict::kDeduplicated;
  if (policy_.on_null == OnNullCursor::kInclude) {
    passed_.emplace_back();
    return Verdict::kPass;
  }
  seen_.Add(CanonicalHash(record.data), "");
  BIZOND_RETURN_IF_ERROR(seen_.MaybeSpill(Top(), type_, spill_));
  batch->rejects().push_back(
      {"", "null_cursor", "the cursor field " + field_ + " is null or absent",
       std::string(record.data.substr(0, kRejectDataBytes)), record.position});
  return Verdict::kRejected;
}

Status CursorFilter::CheckType(const CursorValue& value, std::string_view token) {
  if (type_ == CursorType::kNone) {
    type_ = value.type();
    return CheckLookback(token);
  }
  if (value.type() == type_) return {};
  return Fail(ErrorKind::kPermanent, "cursor_type_changed",
              field_ + " holds " + std::string(token.substr(0, 60)) + ", a " +
                  std::string(CursorTypeName(value.type())) + ", where it was a " +
                  std::string(CursorTypeName(type_)) + " before; nothing of this run is published",
              "mend the source, or start over with a reset of the job");
}

Status CursorFilter::CheckLookback(std::string_view token) const {
  if (policy_.lookback.count() == 0 || type_ == CursorType::kTimestamp) return {};
  return Fail(ErrorKind::kConfig, "lookback_needs_time",
              "source.cursor.lookback needs a cursor of instants, and " + field_ + " holds " +
                  std::string(token.substr(0, 60)),
              "remove source.cursor.lookback, or choose another cursor_field");
}

Result<bool> CursorFilter::ConsumePublished(std::string_view data) {
  if (known_.empty()) return false;
  const Hash128 hash = CanonicalHash(data);
  if (!known_.Take(hash)) return false;
  consumed_.Add(hash, "");
  BIZOND_RETURN_IF_ERROR(consumed_.MaybeSpill(nullptr, type_, spill_));
  return true;
}

const CursorValue* CursorFilter::Top() const {
  if (!before_) return greatest_ ? &*greatest_ : nullptr;
  if (!greatest_ || CursorValue::Compare(*before_, *greatest_) >= 0) return &*before_;
  return &*greatest_;
}

CursorValue CursorFilter::FloorOf(const CursorValue& top) const {
  return policy_.lookback.count() > 0 ? top.Minus(policy_.lookback) : top;
}

// Only the records at the edge as it stands after the whole batch are hashed: in ascending data
// that is one group of ties a batch.
Status CursorFilter::Remember(const RecordBatch& batch) {
  const CursorValue* const top = Top();
  std::optional<CursorValue> floor;
  if (top != nullptr) {
    floor = FloorOf(*top);
    if (!dropped_below_ || CursorValue::Compare(*dropped_below_, *floor) != 0) {
      seen_.DropBelow(*floor, type_);
      dropped_below_ = floor;
    }
  }
  for (size_t i = 0; i < passed_.size(); ++i) {
    const CursorValue& value = passed_[i];
    const bool null = value.type() == CursorType::kNone;
    if (!null && floor && CursorValue::Compare(value, *floor) < 0) continue;
    const Record& record = batch.records()[i];
    seen_.Add(CanonicalHash(record.data), null ? std::string_view() : record.cursor);
    BIZOND_RETURN_IF_ERROR(seen_.MaybeSpill(top, type_, spill_));
  }
  return {};
}

// What lies below the window that this run began with was never looked at.
Duration CursorFilter::WindowOf(const CursorValue& top) const {
  if (policy_.lookback.count() == 0 || !before_) return policy_.lookback;
  return std::min(policy_.lookback, top.Since(*before_floor_));
}

Result<Watermark> CursorFilter::After() const {
  Watermark after;
  BoundarySet edge = published_;
  edge.AddAll(seen_);
  const CursorValue* const top = Top();
  if (top != nullptr) {
    edge.DropBelow(FloorOf(*top), type_);
    after.cursor = before_ && top == &*before_ ? before_token_ : greatest_token_;
    after.cursor_type = CursorTypeName(type_);
    after.window = WindowOf(*top);
  }
  BIZOND_RETURN_IF_ERROR(edge.MaybeSpill(top, type_, spill_));
  if (!edge.empty()) after.boundary = edge.Encode();
  after.chunks = edge.ChunkIds();
  return after;
}

}  // namespace bizond
