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
                                          const std::optional<Watermark>& before, UtcTime now) {
  CursorFilter filter;
  filter.field_ = std::move(cursor_field);
  filter.policy_ = policy;
  const std::string limit = '"' + FormatUtcMicros(now + policy.future_tolerance) + '"';
  BIZOND_ASSIGN_OR_RETURN(filter.future_limit_, CursorValue::Parse(limit));
  if (!before) return filter;
  BIZOND_ASSIGN_OR_RETURN(filter.published_, BoundarySet::Decode(before->boundary));
  if (before->cursor.empty()) return filter;
  filter.type_ = ParseCursorType(before->cursor_type);
  BIZOND_ASSIGN_OR_RETURN(CursorValue top, CursorValue::Parse(before->cursor, filter.type_));
  BIZOND_RETURN_IF_ERROR(filter.CheckLookback(before->cursor));
  filter.held_min_ = filter.published_.LeastAbove(top, filter.type_);
  filter.before_floor_ = filter.FloorOf(top);
  if (before->window && *before->window < policy.lookback) {
    filter.before_floor_ = top.Minus(*before->window);
  }
  filter.before_ = std::move(top);
  filter.before_token_ = before->cursor;
  return filter;
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
  return {};
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
  if (maybe_known && ConsumePublished(record.data)) return Verdict::kDeduplicated;
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
  if (ConsumePublished(record.data)) return Verdict::kDeduplicated;
  if (policy_.on_null == OnNullCursor::kInclude) {
    passed_.emplace_back();
    return Verdict::kPass;
  }
  BIZOND_RETURN_IF_ERROR(seen_.Add(CanonicalHash(record.data), ""));
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

bool CursorFilter::ConsumePublished(std::string_view data) {
  if (published_.empty()) return false;
  const Hash128 hash = CanonicalHash(data);
  const uint32_t known = published_.CountOf(hash);
  if (known == 0 || consumed_.CountOf(hash) >= known) return false;
  // consumed_ holds no more hashes than published_, which fitted.
  return consumed_.Add(hash, "").has_value();
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
    seen_.DropBelow(*floor, type_);
  }
  for (size_t i = 0; i < passed_.size(); ++i) {
    const CursorValue& value = passed_[i];
    const bool null = value.type() == CursorType::kNone;
    if (!null && floor && CursorValue::Compare(value, *floor) < 0) continue;
    const Record& record = batch.records()[i];
    BIZOND_RETURN_IF_ERROR(
        seen_.Add(CanonicalHash(record.data), null ? std::string_view() : record.cursor));
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
  BIZOND_RETURN_IF_ERROR(edge.AddAll(seen_));
  if (const CursorValue* const top = Top()) {
    edge.DropBelow(FloorOf(*top), type_);
    after.cursor = before_ && top == &*before_ ? before_token_ : greatest_token_;
    after.cursor_type = CursorTypeName(type_);
    after.window = WindowOf(*top);
  }
  if (!edge.empty()) after.boundary = edge.Encode();
  return after;
}

}  // namespace bizond
