// The filter of an incremental read beside an oracle that knows each row's rank beforehand: random
// histories of ties, updates, deletions, late rows, rows without a cursor and rows of the future.
#include "sync/cursor_filter.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "sync/record_parser.h"
#include "tests/base/temporary_directory.h"

namespace bizond {
namespace {

const UtcTime kNow = FromUnixMicros(1'600'000'000'000'000);  // 2020-09-13T12:26:40Z

// Ascending values of one type; each row one value in several spellings.
using Ladder = std::vector<std::vector<std::string>>;

const Ladder kNumbers = {
    {"-1e400"},
    {"-99999999999999999999999999999999999999"},
    {"-99999999999999999999999999999999999998.5"},
    {"-1e30", "-1000000000000000000000000000000", "-10E29"},
    {"-9223372036854775809"},
    {"-9223372036854775808"},
    {"-9007199254740993"},
    {"-9007199254740992.5"},
    {"-9007199254740992"},
    {"-1.5", "-15e-1"},
    {"-1"},
    {"-0.1"},
    {"-1e-400"},
    {"0", "-0", "0.0", "0e5", "-0.000"},
    {"1e-400"},
    {"0.1", "1e-1", "0.10"},
    {"0.11"},
    {"1", "1.0", "10e-1", "1E0", "0.1e+1"},
    {"9007199254740992", "9007199254740992.0"},
    {"9007199254740993", "9007199254740993.0", "9.007199254740993e15"},
    {"9007199254740994"},
    {"9223372036854775807"},
    {"9223372036854775808", "9.223372036854775808E+18"},
    {"18446744073709551615"},
    {"18446744073709551616"},
    {"12345678901234567890123456789012345678"},
    {"12345678901234567890123456789012345678.1"},
    {"12345678901234567890123456789012345679"},
    {"1e400"},
};
const Ladder kInstants = {
    {R"("1969-12-31T23:59:59.999999Z")"},
    {R"("1970-01-01")", R"("1970-01-01T00:00:00Z")"},
    {R"("2020-01-01T00:00:00Z")", R"("2020-01-01")", R"("2020-01-01 01:00:00+01:00")",
     R"("2019-12-31T19:00:00-05:00")", R"("2020-01-01T05:45+05:45")",
     R"("2020-01-01T01:00:00\u002B0100")"},
    {R"("2020-01-01T00:00:00.000000001Z")"},
    {R"("2020-01-01T00:00:00.000001Z")", R"("2020-01-01T00:00:00.000001000Z")"},
    {R"("2020-01-01T00:00:00.000002Z")", R"("2020-01-01T02:00:00.000002+02:00")"},
    {R"("2020-01-01T00:00:00.1Z")", R"("2020-01-01T00:00:00,100")"},
    {R"("2020-01-01T00:00:01Z")"},
    {R"("2020-02-29T23:30:00Z")", R"("2020-03-01T00:30:00+01:00")"},
    {R"("2020-03-01T00:00:00Z")"},
    {R"("2020-09-13T12:26:40Z")"},
};
const Ladder kTexts = {
    {R"("")"},
    {R"("0")"},
    {R"("10")"},
    {R"("2")"},
    {R"("A")", R"("\u0041")"},
    {R"("Z")"},
    {R"("a")"},
    {R"("a\u0000")"},
    {R"("a/")", R"("a\/")"},
    {R"("aa")"},
    {R"("b")"},
    {R"("\u00e9")", "\"\xC3\xA9\""},
    {R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""},
};

// Instants a second apart, for lookbacks; the rank is the second.
std::string SecondsToken(int64_t second) {
  return '"' + FormatUtcMicros(kNow + std::chrono::seconds(second)) + '"';
}

constexpr int64_t kNullRank = std::numeric_limits<int64_t>::min();

struct Row {
  int64_t rank = kNullRank;
  std::string text;
};

// Contents are the same however a text in them is escaped; numbers are as they were written.
std::string ContentOf(std::string_view text) {
  const size_t at = text.find(R"("at":")");
  return at == std::string_view::npos ? std::string(text) : nlohmann::json::parse(text).dump();
}

// What must come through, by rank and count alone.
class Oracle {
 public:
  explicit Oracle(OnNullCursor on_null) : on_null_(on_null) {}

  // Contents that pass, each with its count, of one whole read of the table.
  std::map<std::string, int> Read(const std::vector<Row>& table, int64_t lookback, int64_t future) {
    const int64_t floor = top_ == kNone ? kNone : std::max(top_ - lookback, whole_from_);
    std::map<std::string, int> present;
    std::map<std::string, int64_t> ranks;
    for (const Row& row : table) {
      const std::string content = ContentOf(row.text);
      ++present[content];
      ranks[content] = row.rank;
    }
    int64_t top = top_;
    std::map<std::string, int> passed;
    for (const auto& [text, count] : present) {
      const int64_t rank = ranks[text];
      if (rank != kNullRank && floor != kNone && rank < floor) continue;
      if (rank != kNullRank && rank <= future) top = std::max(top, rank);
      const int fresh = count - known_[text];
      if (fresh <= 0) continue;
      known_[text] = count;
      if (rank != kNullRank || on_null_ == OnNullCursor::kInclude) passed[text] = fresh;
    }
    if (floor != kNone || top != kNone) whole_from_ = std::max(floor, top - lookback);
    if (floor == kNone && top != kNone) whole_from_ = top - lookback;
    top_ = top;
    return passed;
  }

 private:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::min() / 2;
  const OnNullCursor on_null_;
  int64_t top_ = kNone;
  int64_t whole_from_ = kNone;
  std::map<std::string, int> known_;  // Published or rejected ever.
};

// For filters whose sets stay in memory.
BoundarySpill NoSpill() {
  BoundarySpill spill;
  spill.put = [](std::string_view) -> Result<int64_t> { throw std::logic_error("put"); };
  spill.get = [](int64_t) -> Result<std::string> { throw std::logic_error("get"); };
  return spill;
}

class History {
 public:
  // `entries`: what a boundary set keeps in memory.
  History(unsigned seed, OnNullCursor on_null, size_t entries)
      : random_(seed), oracle_(on_null), entries_(entries) {
    policy_.on_null = on_null;
  }

  // One read of the table in random order and pages, with deaths in between.
  void RunOnce(int64_t lookback, int64_t future) {
    policy_.lookback = std::chrono::seconds(lookback);
    const std::map<std::string, int> wanted = oracle_.Read(table, lookback, future);
    std::shuffle(table.begin(), table.end(), random_);
    CursorFilter filter = Open();
    std::map<std::string, int> passed;
    uint64_t accounted = 0;
    for (size_t at = 0; at < table.size();) {
      const size_t end = std::min(table.size(), at + 1 + random_() % 6);
      RecordBatch batch;
      RecordParser parser("at", {});
      for (; at < end; ++at) {
        ASSERT_TRUE(parser.Add(batch.Store(table[at].text), static_cast<uint32_t>(at), &batch));
      }
      const Result<FilterCounts> counts = filter.Apply(&batch);
      ASSERT_TRUE(counts) << Describe(counts.error());
      EXPECT_EQ(counts->rejected, batch.rejects().size());
      accounted +=
          batch.records().size() + counts->rejected + counts->deduplicated + counts->filtered;
      for (const Record& record : batch.records()) ++passed[ContentOf(record.data)];
      if (random_() % 4 == 0) {
        const std::string progress = filter.Encode();
        KeepChunks(filter.ChunkIds());
        filter = Open();
        ASSERT_TRUE(filter.Restore(progress));
      }
    }
    EXPECT_EQ(accounted, table.size());
    EXPECT_EQ(passed, wanted);
    const Result<Watermark> after = filter.After();
    ASSERT_TRUE(after) << Describe(after.error());
    watermark_ = DecodeWatermark(EncodeWatermark(*after)).value();
    EXPECT_EQ(*watermark_, *after);
    const BoundarySet edge = BoundarySet::Decode(after->boundary).value();
    EXPECT_EQ(edge.ChunkIds(), after->chunks);
    EXPECT_LE(edge.size(), entries_);
    most_chunks = std::max(most_chunks, after->chunks.size());
    KeepChunks({});
  }

  std::vector<Row> table;
  UtcTime now = kNow;
  size_t most_chunks = 0;  // Of a watermark.
  std::mt19937& random() { return random_; }

 private:
  CursorFilter Open() {
    BoundarySpill spill;
    spill.put = [this](std::string_view chunk) -> Result<int64_t> {
      chunks_[++last_chunk_] = chunk;
      return last_chunk_;
    };
    spill.get = [this](int64_t id) -> Result<std::string> { return chunks_.at(id); };
    spill.directory = directory_.path();
    spill.entries = entries_;
    if (entries_ == 0) spill.index_bytes = 0;
    return std::move(
        CursorFilter::Create("at", policy_, watermark_, now, std::move(spill)).value());
  }
  // Forgets the chunks that neither the watermark nor `named` names, as the store may.
  void KeepChunks(std::vector<int64_t> named) {
    if (watermark_) {
      named.insert(named.end(), watermark_->chunks.begin(), watermark_->chunks.end());
    }
    std::erase_if(chunks_, [&](const auto& item) {
      return std::find(named.begin(), named.end(), item.first) == named.end();
    });
  }

  std::mt19937 random_;
  Oracle oracle_;
  const size_t entries_;
  TemporaryDirectory directory_;
  std::map<int64_t, std::string> chunks_;
  int64_t last_chunk_ = 0;
  CursorPolicy policy_;
  std::optional<Watermark> watermark_;
};

Row MakeRow(int64_t rank, const std::string& token, uint64_t payload) {
  if (rank == kNullRank) {
    return {rank, payload % 2 == 0 ? fmt::format(R"({{"at":null,"p":{}}})", payload)
                                   : fmt::format(R"({{"p":{}}})", payload)};
  }
  return {rank, fmt::format(R"({{"at":{},"p":{}}})", token, payload)};
}

// Inserts, copies, changes and removes a few rows.
template <typename Draw>
void Change(History& history, const Draw& draw) {
  auto& random = history.random();
  for (auto changes = random() % 8; changes > 0; --changes) {
    const size_t at = history.table.empty() ? 0 : random() % history.table.size();
    switch (history.table.empty() ? 0 : random() % 5) {
      case 0:
      case 1:
        history.table.push_back(draw());
        break;
      case 2:
        history.table.push_back(Row(history.table[at]));
        break;
      case 3:
        history.table[at] = draw();
        break;
      default:
        history.table.erase(history.table.begin() + static_cast<ptrdiff_t>(at));
    }
  }
}

// Everything in memory, everything in chunks and files, and some of it here and some there.
constexpr size_t kEntries[] = {32'768, 0, 1, 3};
constexpr unsigned kSeeds = std::size(kEntries) * 100;

void TellHistories(const Ladder& ladder, OnNullCursor on_null) {
  size_t most_chunks = 0;
  for (unsigned seed = 1; seed <= kSeeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    History history(seed, on_null, kEntries[seed % std::size(kEntries)]);
    for (size_t run = 0; run < 8; ++run) {
      // The window of ranks moves up, so that there are late rows and new ones.
      const size_t low = run * ladder.size() / 12;
      const size_t width = 1 + ladder.size() / 3;
      Change(history, [&]() -> Row {
        auto& random = history.random();
        if (on_null != OnNullCursor::kFail && random() % 6 == 0) {
          return MakeRow(kNullRank, "", random() % 4);
        }
        const size_t rank = std::min(ladder.size() - 1, low + random() % width);
        const auto& spellings = ladder[rank];
        return MakeRow(static_cast<int64_t>(rank), spellings[random() % spellings.size()],
                       random() % 3);
      });
      history.RunOnce(0, std::numeric_limits<int64_t>::max());
    }
    most_chunks = std::max(most_chunks, history.most_chunks);
  }
  EXPECT_GT(most_chunks, 1u);
}

TEST(CursorFilter, NumbersOfAnySize) { TellHistories(kNumbers, OnNullCursor::kFail); }
TEST(CursorFilter, NumbersAndNullsRejected) { TellHistories(kNumbers, OnNullCursor::kReject); }
TEST(CursorFilter, InstantsOfAnyOffset) { TellHistories(kInstants, OnNullCursor::kInclude); }
TEST(CursorFilter, Texts) { TellHistories(kTexts, OnNullCursor::kReject); }

TEST(CursorFilter, LookbacksThatChangeAndRowsOfTheFuture) {
  constexpr int64_t kDay = 86'400;
  for (unsigned seed = 1; seed <= 2 * kSeeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    History history(seed, OnNullCursor::kInclude, kEntries[seed % std::size(kEntries)]);
    for (int64_t run = 0; run < 8; ++run) {
      Change(history, [&]() -> Row {
        auto& random = history.random();
        if (random() % 8 == 0) return MakeRow(kNullRank, "", random() % 3);
        // Some beyond the tolerance of a day; half a day later some of them no longer are.
        int64_t second = run * 10 - static_cast<int64_t>(random() % 40);
        if (random() % 5 == 0) second += kDay + 1 + static_cast<int64_t>(random() % 60);
        return MakeRow(second, SecondsToken(second), random() % 3);
      });
      history.now = kNow + std::chrono::seconds(run * 25);
      constexpr int64_t kLookbacks[] = {0, 5, 20};
      history.RunOnce(kLookbacks[history.random()() % 3], kDay + run * 25);
    }
  }
}

Status ApplyOne(CursorFilter& filter, const std::string& text) {
  RecordBatch batch;
  RecordParser parser("at", {});
  if (!parser.Add(batch.Store(text), 0, &batch)) throw std::logic_error(text);
  const Result<FilterCounts> counts = filter.Apply(&batch);
  if (!counts) return tl::make_unexpected(counts.error());
  return {};
}

std::string CodeOf(const Status& status) { return status ? "" : status.error().code; }

TEST(CursorFilter, RefusesWhatHasNoOrder) {
  CursorFilter filter = CursorFilter::Create("at", {}, std::nullopt, kNow, NoSpill()).value();
  EXPECT_EQ(CodeOf(ApplyOne(filter, R"({"at":null})")), "null_cursor");
  EXPECT_EQ(CodeOf(ApplyOne(filter, R"({})")), "null_cursor");
  EXPECT_EQ(CodeOf(ApplyOne(filter, R"({"at":true})")), "bad_cursor");
  EXPECT_EQ(CodeOf(ApplyOne(filter, R"({"at":{"$date":1}})")), "bad_cursor");
  EXPECT_EQ(CodeOf(ApplyOne(filter, R"({"at":[1]})")), "bad_cursor");
  EXPECT_EQ(CodeOf(ApplyOne(filter, R"({"at":1})")), "");
  EXPECT_EQ(CodeOf(ApplyOne(filter, R"({"at":"1"})")), "cursor_type_changed");
}

TEST(CursorFilter, TheFirstRunFixesTheType) {
  CursorFilter first = CursorFilter::Create("at", {}, std::nullopt, kNow, NoSpill()).value();
  ASSERT_TRUE(ApplyOne(first, R"({"at":"zebra"})"));
  const Watermark text = first.After().value();
  EXPECT_EQ(text.cursor_type, "text");
  CursorFilter next = CursorFilter::Create("at", {}, text, kNow, NoSpill()).value();
  EXPECT_EQ(CodeOf(ApplyOne(next, R"({"at":"2020-01-01"})")), "") << "text stays text";
  EXPECT_EQ(CodeOf(ApplyOne(next, R"({"at":5})")), "cursor_type_changed");
}

TEST(CursorFilter, ALookbackNeedsInstants) {
  CursorPolicy policy;
  CursorFilter first = CursorFilter::Create("at", policy, std::nullopt, kNow, NoSpill()).value();
  ASSERT_TRUE(ApplyOne(first, R"({"at":1000})"));
  policy.lookback = std::chrono::minutes(1);
  const auto later = CursorFilter::Create("at", policy, first.After().value(), kNow, NoSpill());
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, "lookback_needs_time");
  CursorFilter fresh = CursorFilter::Create("at", policy, std::nullopt, kNow, NoSpill()).value();
  EXPECT_EQ(CodeOf(ApplyOne(fresh, R"({"at":1000})")), "lookback_needs_time");
}

TEST(CursorFilter, ProgressThatDoesNotReadIsAnError) {
  CursorFilter filter = CursorFilter::Create("at", {}, std::nullopt, kNow, NoSpill()).value();
  ASSERT_TRUE(ApplyOne(filter, R"({"at":1})"));
  const std::string good = filter.Encode();
  std::mt19937 random(3);
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    if (random() % 2 == 0) bad.resize(random() % bad.size());
    CursorFilter other = CursorFilter::Create("at", {}, std::nullopt, kNow, NoSpill()).value();
    (void)other.Restore(bad);  // An error or not, but no crash and no throw.
  }
  CursorFilter other = CursorFilter::Create("at", {}, std::nullopt, kNow, NoSpill()).value();
  EXPECT_EQ(CodeOf(other.Restore("nonsense")), "bad_checkpoint");
  EXPECT_EQ(CodeOf(other.Restore(good)), "");
}

TEST(CursorFilter, AWatermarkThatDoesNotReadIsAnError) {
  Watermark watermark;
  watermark.cursor = "5";
  watermark.cursor_type = "number";
  for (const char* const boundary : {"\x02", "\x03", "\x01\xff\xff\xff\xff", "x"}) {
    watermark.boundary = boundary;
    const auto filter = CursorFilter::Create("at", {}, watermark, kNow, NoSpill());
    ASSERT_FALSE(filter);
    EXPECT_EQ(filter.error().code, "bad_watermark");
  }
}

TEST(CursorValue, SortKeysOrderAsValuesDo) {
  for (const Ladder& ladder : {kNumbers, kInstants, kTexts}) {
    for (size_t i = 0; i < ladder.size(); ++i) {
      for (size_t k = 0; k < ladder.size(); ++k) {
        for (const std::string& a : ladder[i]) {
          for (const std::string& b : ladder[k]) {
            const CursorValue left = CursorValue::Parse(a).value();
            const CursorValue right = CursorValue::Parse(b).value();
            std::string left_key;
            std::string right_key;
            left.AppendSortKey(&left_key);
            right.AppendSortKey(&right_key);
            const auto sign = [](int order) { return (order > 0) - (order < 0); };
            const int wanted = (i > k) - (i < k);
            EXPECT_EQ(sign(CursorValue::Compare(left, right)), wanted) << a << " and " << b;
            EXPECT_EQ(sign(left_key.compare(right_key)), wanted) << a << " and " << b;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace bizond
