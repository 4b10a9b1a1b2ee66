// Compressed files: members and frames, truncation, corruption, resuming inside, and once by
// position.
#include <gmock/gmock.h>

#include "tests/sources/packing.h"
#include "tests/sources/source_fixture.h"

namespace bizond {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) {
    text += R"({"id":)" + std::to_string(i) + R"(,"t":")" + std::string(100, 'x') + "\"}\n";
  }
  return text;
}

class CompressedFile : public ::testing::TestWithParam<std::string (*)(std::string_view)> {
 protected:
  ReadResult Read(SyncMode mode = SyncMode::kFullRefresh, const std::string& position = "") {
    OpenedSource source(folder_, {.config = R"({"path":"a*"})", .mode = mode}, clock_);
    if (position.empty()) return source.ReadAll();
    return source.ReadAll(AtPosition(position));
  }
  std::string Pack(std::string_view text) { return GetParam()(text); }

  TestFolder folder_;
  RealClock clock_;
};

TEST_P(CompressedFile, ReadsSeveralMembersAndResumesInside) {
  folder_.Write("a", Pack(Lines(0, 20'000)) + Pack(Lines(20'000, 30'000)));
  const ReadResult all = Read();
  ASSERT_FALSE(all.error) << all.error->message;
  ASSERT_EQ(all.records.size(), 30'000u);
  EXPECT_THAT(all.records.back(), HasSubstr("\"id\":29999,"));
  ASSERT_GE(all.page_ends.size(), 3u);
  OpenedSource again(folder_, {.config = R"({"path":"a*"})"}, clock_);
  const ReadResult rest = again.ReadAll({}, all.upper_bound, all.paginations[2], 2);
  const std::vector<std::string> expected(
      all.records.begin() + static_cast<std::ptrdiff_t>(all.page_ends[1]), all.records.end());
  EXPECT_TRUE(rest.records == expected);
}

TEST_P(CompressedFile, SaysWhereItIsBroken) {
  const std::string packed = Pack(Lines(0, 1000));
  folder_.Write("a", packed.substr(0, packed.size() - 5));
  EXPECT_EQ(Read().code(), "corrupt_compression");
  folder_.Write("a", packed + "junk that is none");
  const ReadResult junk = Read();
  EXPECT_EQ(junk.code(), "corrupt_compression");
  EXPECT_THAT(junk.error->message, HasSubstr("at byte "));
}

TEST_P(CompressedFile, IsReadOnceByPosition) {
  folder_.Write("a", Pack(Lines(0, 10)));
  const ReadResult first = Read(SyncMode::kIncremental);
  EXPECT_EQ(first.records.size(), 10u);
  EXPECT_THAT(Read(SyncMode::kIncremental, first.position).records, IsEmpty());
  folder_.Write("a", Pack(Lines(0, 12)));
  EXPECT_EQ(Read(SyncMode::kIncremental, first.position).code(), "file_rewritten");
}

INSTANTIATE_TEST_SUITE_P(Kinds, CompressedFile, ::testing::Values(&Gzip, &Zstd),
                         [](const auto& kind) { return kind.index == 0 ? "gzip" : "zstd"; });

}  // namespace
}  // namespace bizond
