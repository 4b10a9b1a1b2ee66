// Rotated and compressed logs by position: every line once, whatever logrotate did between runs.
#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/sources/packing.h"
#include "tests/sources/source_fixture.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr UtcTime kLogStart{std::chrono::seconds(1'796'126'400)};

std::string Line(int id, size_t padding = 0) {
  return "{\"a\":" + std::to_string(id) + ",\"t\":\"" + std::string(padding, 'x') + "\"}";
}

std::string LogLines(int from, int to, size_t padding = 100) {
  std::string text;
  for (int id = from; id < to; ++id) text += Line(id, padding) + "\n";
  return text;
}

class Rotation : public ::testing::TestWithParam<std::string (*)(std::string_view)> {
 protected:
  // Goes on at `position_`, and moves it on when the run succeeds.
  ReadResult Next(SyncMode mode = SyncMode::kIncremental) {
    OpenedSource source(folder_, {.config = kConfig, .mode = mode}, clock_);
    ReadResult result =
        position_.empty() ? source.ReadAll() : source.ReadAll(AtPosition(position_));
    if (!result.error && !result.position.empty()) position_ = result.position;
    return result;
  }
  std::string Text(std::string_view name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Move(std::string_view from, std::string_view to) const {
    std::filesystem::rename(folder_ / from, folder_ / to);
  }
  // As gzip does: the new file is whole before the old one goes.
  void Compress(std::string_view from, std::string_view to) const {
    folder_.Write(to, GetParam()(Text(from)));
    std::filesystem::remove(folder_ / from);
  }

  static constexpr const char* kConfig = R"({"path":"log*","format":"ndjson"})";
  TestFolder folder_;
  SimulatedClock clock_{kLogStart};
  std::string position_;
};

TEST_P(Rotation, AFileThatWasReadComesBackCompressed) {
  folder_.Write("log", LogLines(0, 1000));
  EXPECT_EQ(Next().records.size(), 1000u);
  folder_.Append("log", Line(1000) + "\n");
  Move("log", "log.1");
  folder_.Write("log", Line(1001) + "\n");
  EXPECT_THAT(Next().records, ElementsAre(Line(1001), Line(1000)));
  Compress("log.1", "log.1.z");
  EXPECT_THAT(Next().records, IsEmpty());
  EXPECT_THAT(position_, Not(HasSubstr("gone")));
  Move("log.1.z", "log.2.z");
  Move("log", "log.1");
  folder_.Write("log", Line(1002) + "\n");
  EXPECT_THAT(Next().records, ElementsAre(Line(1002)));
}

TEST_P(Rotation, WhatWasAppendedBeforeItWasCompressedIsRead) {
  for (const int lines : {1, 1000}) {
    position_.clear();
    folder_.Write("log", LogLines(0, lines));
    Next();
    folder_.Append("log", Line(lines) + "\n" + Line(lines + 1));
    // No delay: the name stands for another file at once.
    Compress("log", "log.1.z");
    folder_.Write("log", Line(5000) + "\n");
    EXPECT_THAT(Next().records, ElementsAre(Line(5000), Line(lines), Line(lines + 1)));
    EXPECT_THAT(Next().records, IsEmpty());
    std::filesystem::remove(folder_ / "log.1.z");
  }
}

TEST_P(Rotation, ALineThatWasHalfWrittenGoesOnCompressed) {
  folder_.Write("log", LogLines(0, 100) + "{\"a\":");
  EXPECT_EQ(Next().records.size(), 100u);
  folder_.Append("log", "7}\n");
  Compress("log", "log.1.z");
  EXPECT_THAT(Next().records, ElementsAre(R"({"a":7})"));
  EXPECT_THAT(Next().records, IsEmpty());
}

TEST_P(Rotation, LinesAreCountedOn) {
  folder_.Write("log", LogLines(0, 10));
  Next();
  folder_.Append("log", "bad\n");
  Compress("log", "log.1.z");
  const ReadResult bad = Next();
  EXPECT_EQ(bad.code(), "not_an_object");
  EXPECT_THAT(bad.error->message, HasSubstr("log.1.z:11: "));
}

TEST_P(Rotation, AnotherContentBehindTheSameBeginningIsAnError) {
  folder_.Write("log", LogLines(0, 1000));
  Next();
  std::filesystem::remove(folder_ / "log");
  folder_.Write("log.1.z", GetParam()(LogLines(0, 500) + LogLines(600, 1200)));
  const ReadResult other = Next();
  EXPECT_EQ(other.code(), "file_rewritten");
  EXPECT_THAT(other.error->message, HasSubstr("log.1.z begins like log, "));
  folder_.Write("log.1.z", GetParam()(LogLines(0, 500)));
  EXPECT_EQ(Next().code(), "file_rewritten");
  // Another beginning is another file.
  folder_.Write("log.1.z", GetParam()(LogLines(1, 500)));
  EXPECT_EQ(Next().records.size(), 499u);
}

TEST_P(Rotation, FilesThatBeginAlikeAreToldApart) {
  folder_.Write("log.a", LogLines(0, 100));
  folder_.Write("log.b", LogLines(0, 200));
  folder_.Write("log.c", LogLines(0, 1));
  folder_.Write("log.d", LogLines(0, 1));
  EXPECT_EQ(Next().records.size(), 302u);
  folder_.Append("log.a", Line(500) + "\n");
  folder_.Append("log.b", Line(501) + "\n");
  folder_.Append("log.d", Line(502) + "\n");
  for (const char* name : {"log.a", "log.b", "log.c", "log.d"}) {
    Compress(name, std::string("log.0") + name + ".z");
  }
  EXPECT_THAT(Next().records, UnorderedElementsAre(Line(500), Line(501), Line(502)));
  EXPECT_THAT(Next().records, IsEmpty());
  // A mark is used up: one more file like it is another file.
  folder_.Write("log.e", GetParam()(LogLines(0, 1)));
  EXPECT_EQ(Next().records.size(), 1u);
}

TEST_P(Rotation, ARunWhileTheCompressorIsAtWork) {
  folder_.Write("log", LogLines(0, 3000));
  Next();
  const std::string packed = GetParam()(LogLines(0, 3001));
  folder_.Append("log", LogLines(3000, 3001));
  const std::string name = packed.starts_with("\x1f") ? "log.gz" : "log.zst";
  for (const size_t size : {size_t{0}, size_t{20}, packed.size() / 2, packed.size()}) {
    folder_.Write(name, std::string_view(packed).substr(0, size));
    const ReadResult result = Next();
    ASSERT_FALSE(result.error) << result.error->message;
    EXPECT_EQ(result.records.size(), size == 0 ? 1u : 0u);
  }
  std::filesystem::remove(folder_ / "log");
  EXPECT_THAT(Next().records, IsEmpty());
  EXPECT_THAT(position_, Not(HasSubstr("gone")));
}

TEST_P(Rotation, ARunThatEndsEarlyForgetsNothing) {
  folder_.Write("log.b", LogLines(0, 100));
  Next();
  folder_.Append("log.b", Line(100) + "\n");
  Compress("log.b", "log.b.z");
  folder_.Write("log.a", Line(200) + "\n");
  OpenedSource source(folder_, {.config = kConfig, .mode = SyncMode::kIncremental}, clock_);
  const ReadResult first = source.ReadAll(AtPosition(position_), "", "", 0, 1);
  EXPECT_THAT(first.records, ElementsAre(Line(200)));
  // Resumed by another process.
  OpenedSource again(folder_, {.config = kConfig, .mode = SyncMode::kIncremental}, clock_);
  const ReadResult rest =
      again.ReadAll(AtPosition(position_), first.upper_bound, first.paginations.back(), 1);
  EXPECT_THAT(rest.records, ElementsAre(Line(100)));
  EXPECT_THAT(rest.position, Not(HasSubstr("gone")));
  // Published as it stood.
  position_ = first.position;
  EXPECT_THAT(Next().records, ElementsAre(Line(100)));
  EXPECT_EQ(position_, rest.position);
}

// The snapshot of a run that format 1 began: its files name no marks.
std::string AsFormat1(const std::string& upper_bound) {
  nlohmann::json plan = nlohmann::json::parse(upper_bound);
  plan["format"] = 1;
  for (nlohmann::json& file : plan["files"]) file.erase("mark");
  return plan.dump();
}

TEST_P(Rotation, ARunThatAnOlderVersionBeganIsEnded) {
  folder_.Write("log.a", LogLines(0, 100));
  folder_.Write("log.b", LogLines(100, 200));
  Compress("log.b", "log.b.z");
  Next();
  folder_.Append("log.a", Line(1000) + "\n");
  folder_.Write("log.c", Line(2000) + "\n");
  OpenedSource source(folder_, {.config = kConfig, .mode = SyncMode::kIncremental}, clock_);
  const ReadResult first = source.ReadAll(AtPosition(position_), "", "", 0, 1);
  EXPECT_THAT(first.records, ElementsAre(Line(1000)));
  OpenedSource newer(folder_, {.config = kConfig, .mode = SyncMode::kIncremental}, clock_);
  const ReadResult rest = newer.ReadAll(AtPosition(position_), AsFormat1(first.upper_bound),
                                        first.paginations.back(), 1);
  EXPECT_EQ(rest.code(), "");
  EXPECT_THAT(rest.records, ElementsAre(Line(2000)));
  position_ = rest.position;
  EXPECT_THAT(Next().records, IsEmpty()) << "every file was known again";
}

TEST_P(Rotation, IsLeftAndTakenUpAgainInside) {
  folder_.Write("log", LogLines(0, 1000));
  Next();
  folder_.Append("log", LogLines(1000, 40'000));
  Compress("log", "log.1.z");
  OpenedSource source(folder_, {.config = kConfig, .mode = SyncMode::kIncremental}, clock_);
  const ReadResult first = source.ReadAll(AtPosition(position_), "", "", 0, 1);
  ASSERT_LT(first.records.size(), 39'000u);
  EXPECT_EQ(first.records.front(), Line(1000, 100));
  position_ = first.position;
  const ReadResult rest = Next();
  EXPECT_EQ(first.records.size() + rest.records.size(), 39'000u);
  EXPECT_EQ(rest.records.back(), Line(39'999, 100));
}

TEST_P(Rotation, CsvKeepsItsHeader) {
  const std::string config = R"({"path":"log*","format":"csv"})";
  folder_.Write("log", "id,name\n1,a\n2,");
  const auto next = [&] {
    OpenedSource source(folder_, {.config = config, .mode = SyncMode::kIncremental}, clock_);
    ReadResult result =
        position_.empty() ? source.ReadAll() : source.ReadAll(AtPosition(position_));
    position_ = result.position;
    return result.records;
  };
  EXPECT_THAT(next(), ElementsAre(R"({"id":"1","name":"a"})"));
  folder_.Append("log", "b\n");
  Compress("log", "log.1.z");
  folder_.Write("log", "id,name\n");
  EXPECT_THAT(next(), ElementsAre(R"({"id":"2","name":"b"})"));
  Compress("log", "log.0.z");
  folder_.Write("log", "name,id\nc,3\n");
  EXPECT_THAT(next(), ElementsAre(R"({"name":"c","id":"3"})"));
}

TEST_P(Rotation, ALinkToItIsNotReadAgain) {
  folder_.Write("log.1", LogLines(0, 100));
  std::filesystem::create_hard_link(folder_ / "log.1", folder_ / "log.link");
  EXPECT_EQ(Next().records.size(), 100u);
  std::filesystem::remove(folder_ / "log.link");
  Compress("log.1", "log.1.z");
  std::filesystem::create_hard_link(folder_ / "log.1.z", folder_ / "log.2.z");
  EXPECT_THAT(Next().records, IsEmpty());
  std::filesystem::remove(folder_ / "log.1.z");
  EXPECT_THAT(Next().records, IsEmpty());
}

TEST_P(Rotation, ABrokenFileIsNoOther) {
  folder_.Write("log", LogLines(0, 100));
  Next();
  const std::string packed = GetParam()(LogLines(0, 100));
  std::filesystem::remove(folder_ / "log");
  folder_.Write("log.1.z", packed.substr(0, packed.size() - 5));
  EXPECT_EQ(Next().code(), "corrupt_compression");
  folder_.Write("log.1.z", packed);
  EXPECT_THAT(Next().records, IsEmpty());
}

TEST_P(Rotation, StreamModeKnowsItToo) {
  folder_.Write("log.1", LogLines(0, 100));
  Next();
  Compress("log.1", "log.1.z");
  folder_.Write("log", Line(100) + "\n");
  OpenedSource source(folder_, {.config = kConfig, .mode = SyncMode::kStream}, clock_);
  ReadResult result;
  ASSERT_TRUE(source.ReadPage(AtPosition(position_), "", "", 0, &result));
  EXPECT_THAT(result.records, ElementsAre(Line(100)));
  // What it does not read it does not pass over.
  folder_.Append("log", Line(101) + "\n");
  Compress("log", "log.2.z");
  const auto more =
      source.ReadPage(AtPosition(position_), "", result.paginations.back(), 1, &result);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, "cannot_follow_compressed");
}

// logrotate and a writer at random between runs that end where they want. `ids`: of how many kinds
// lines are; few make files that begin alike or are the same.
class Histories {
 public:
  Histories(std::string (*pack)(std::string_view), unsigned seed, int ids)
      : pack_(pack), random_(seed), ids_(ids) {}

  void Run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      switch (Upto(8)) {
        case 0:
          Rotate();
          break;
        case 1:
        case 2:
          CompressOne();
          break;
        case 3:
        case 4:
          Read(Upto(2) == 0 ? SIZE_MAX : 1 + Upto(4));
          break;
        default:
          Write();
      }
    }
    // The last line is written to its end.
    if (!partial_.empty()) Finish();
    Read(SIZE_MAX);
    EXPECT_EQ(read_, written_);
  }

 private:
  size_t Upto(size_t n) { return random_() % n; }
  std::string Name(size_t number) const {
    if (number == 0) return "log";
    return "log." + std::to_string(number) + (packed_[number] ? ".z" : "");
  }

  void Write() {
    const size_t lines = 1 + Upto(Upto(4) == 0 ? 300 : 3);
    if (!partial_.empty()) Finish();
    for (size_t i = 0; i < lines; ++i) {
      const std::string line =
          Line(ids_ > 0 ? static_cast<int>(Upto(ids_)) : next_++, Upto(2) * 50);
      ++written_[line];
      content_[0] += line + "\n";
    }
    folder_.Append("log", std::string_view(content_[0]).substr(size_));
    size_ = content_[0].size();
    if (Upto(3) != 0) return;
    partial_ = Line(ids_ > 0 ? static_cast<int>(Upto(ids_)) : next_++);
    half_ = 1 + Upto(partial_.size() - 1);
    folder_.Append("log", std::string_view(partial_).substr(0, half_));
  }
  void Finish() {
    const std::string rest = partial_.substr(half_) + "\n";
    ++written_[partial_];
    content_[0] += partial_ + "\n";
    folder_.Append("log", rest);
    size_ = content_[0].size();
    partial_.clear();
  }

  void Rotate() {
    // A writer ends its line before it lets go of the file.
    if (!partial_.empty()) Finish();
    if (size_ == 0) return;
    for (size_t number = content_.size(); number-- > 0;) {
      const std::string from = Name(number);
      const std::string to = "log." + std::to_string(number + 1) + (packed_[number] ? ".z" : "");
      std::filesystem::rename(folder_ / from, folder_ / to);
    }
    content_.emplace_front();
    packed_.push_front(false);
    size_ = 0;
    folder_.Write("log", "");
  }

  void CompressOne() {
    const size_t number = Upto(content_.size());
    if (number == 0 || packed_[number]) return;
    const std::string from = Name(number);
    packed_[number] = true;
    folder_.Write(Name(number), pack_(content_[number]));
    std::filesystem::remove(folder_ / from);
  }

  // A run that stops after `pages` is resumed by another source, or published as it stands.
  void Read(size_t pages) {
    if (content_.size() == 1 && size_ == 0 && !std::filesystem::exists(folder_ / "log")) return;
    const std::optional<Watermark> watermark =
        position_.empty() ? std::nullopt : std::optional(AtPosition(position_));
    const SourceSetup setup{.config = R"({"path":"log*","format":"ndjson"})",
                            .mode = SyncMode::kIncremental};
    OpenedSource source(folder_, setup, clock_);
    ReadResult result = source.ReadAll(watermark, "", "", 0, pages);
    ASSERT_FALSE(result.error) << result.error->message;
    Count(result);
    if (pages == SIZE_MAX || Upto(2) == 0) return;
    OpenedSource resumed(folder_, setup, clock_);
    result = resumed.ReadAll(watermark, result.upper_bound, result.paginations.back(), pages);
    ASSERT_FALSE(result.error) << result.error->message;
    Count(result);
  }
  void Count(const ReadResult& result) {
    for (const std::string& record : result.records) ++read_[record];
    if (!result.position.empty()) position_ = result.position;
  }

  std::string (*pack_)(std::string_view);
  std::mt19937 random_;
  const int ids_;
  TestFolder folder_;
  SimulatedClock clock_{kLogStart};
  std::string position_;
  int next_ = 0;
  // Of log, log.1, log.2 and so on.
  std::deque<std::string> content_ = {""};
  std::deque<bool> packed_ = {false};
  size_t size_ = 0;  // Of `log`, without the half of a line that `partial_` is.
  std::string partial_;
  size_t half_ = 0;
  // How often each line.
  std::map<std::string, int> written_;
  std::map<std::string, int> read_;
};

TEST_P(Rotation, EveryLineOnceInAnyHistory) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Histories(GetParam(), seed, 0).Run(60);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST_P(Rotation, EveryLineOnceWhereFilesAreAlike) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Histories(GetParam(), seed, 1 + static_cast<int>(seed % 2)).Run(60);
    if (::testing::Test::HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Rotation, ::testing::Values(&Gzip, &Zstd),
                         [](const auto& kind) { return kind.index == 0 ? "gzip" : "zstd"; });

}  // namespace
}  // namespace bizond
