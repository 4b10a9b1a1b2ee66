// What sync/source.h promises, for every row of the catalogue. A connector without a fixture here
// fails the suite.
#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/sources/source_fixture.h"

namespace bizond {
namespace {

struct SourceFixture {
  std::string stream;
  std::string config;
  void (*fill)(const TestFolder& folder);
};

void FillNothing(const TestFolder&) {}

void FillLines(const TestFolder& folder) {
  for (const char* name : {"a.jsonl", "b.jsonl"}) {
    std::string text;
    for (int i = 0; i < 20'000; ++i) {
      text += R"({"id":)" + std::to_string(i) + R"(,"text":")" + std::string(120, 'x') + "\"}\n";
    }
    folder.Write(name, text);
  }
}

void FillCsv(const TestFolder& folder) {
  std::string text = "id,text\n";
  for (int i = 0; i < 20'000; ++i)
    text += std::to_string(i) + ",\"a\nb " + std::to_string(i) + "\"\n";
  folder.Write("a.csv", text);
}

const std::multimap<std::string_view, SourceFixture>& Fixtures() {
  static const std::multimap<std::string_view, SourceFixture> kFixtures = {
      {"dummy",
       {"creatures", R"({"authentication":{"type":"api_key","params":{"token":"x"}}})",
        FillNothing}},
      {"dummy",
       {"plants", R"({"authentication":{"type":"api_key","params":{"token":"x"}},"rows":2500})",
        FillNothing}},
      {"file", {"lines", R"({"path":"*.jsonl"})", FillLines}},
      {"file", {"rows", R"({"path":"a.csv"})", FillCsv}},
  };
  return kFixtures;
}

class SourceConformance : public ::testing::TestWithParam<SyncMode> {
 protected:
  // Runs `body` for every fixture in this mode.
  template <typename Body>
  void ForEach(Body body) {
    for (const auto& [connector, fixture] : Fixtures()) {
      SCOPED_TRACE(std::string(connector) + " " + fixture.config);
      TestFolder folder;
      fixture.fill(folder);
      RealClock clock;
      const SourceSetup setup{.connector = std::string(connector),
                              .stream = fixture.stream,
                              .config = fixture.config,
                              .mode = GetParam()};
      body(folder, setup, clock);
    }
  }
};

TEST_P(SourceConformance, EveryRowHasAFixtureAndItsFiles) {
  for (const SourceDescriptor& row : SourceCatalog()) {
    EXPECT_TRUE(Fixtures().contains(row.name)) << row.name;
    for (const char* file : {"schema.json", "example.yml"}) {
      const std::string path = std::string(row.name) + "/" + file;
      bool found = false;
      for (const EmbeddedFile& embedded : SourceFiles()) found |= embedded.path == path;
      EXPECT_TRUE(found) << path;
    }
    for (const StreamInfo& stream : row.streams()) EXPECT_FALSE(stream.summary.empty());
  }
}

TEST_P(SourceConformance, ConnectsAndHonoursAStop) {
  ForEach([](const TestFolder& folder, const SourceSetup& setup, Clock& clock) {
    OpenedSource source(folder, setup, clock);
    ASSERT_TRUE(source.ok());
    EXPECT_TRUE(source->CheckConnection({}));
    std::stop_source stop;
    stop.request_stop();
    ReadResult result;
    const auto page = source.ReadPage({}, "", "", 0, &result, stop.get_token());
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind, ErrorKind::kStopped);
  });
}

TEST_P(SourceConformance, RecordsAreObjectsAndPositionsUnique) {
  ForEach([](const TestFolder& folder, const SourceSetup& setup, Clock& clock) {
    OpenedSource source(folder, setup, clock);
    const ReadResult all = source.ReadAll();
    ASSERT_FALSE(all.error);
    EXPECT_FALSE(all.records.empty());
    for (const std::string& record : all.records) {
      ASSERT_TRUE(nlohmann::json::parse(record).is_object());
      ASSERT_EQ(record.find('\n'), std::string::npos);
    }
    EXPECT_EQ(std::set<std::string>(all.ids.begin(), all.ids.end()).size(), all.ids.size());
  });
}

TEST_P(SourceConformance, ResumesAtEveryPageWithTheSameRecords) {
  ForEach([](const TestFolder& folder, const SourceSetup& setup, Clock& clock) {
    OpenedSource source(folder, setup, clock);
    const ReadResult all = source.ReadAll();
    ASSERT_FALSE(all.error);
    for (size_t page = 0; page < all.page_ends.size(); ++page) {
      OpenedSource again(folder, setup, clock);
      const ReadResult rest = again.ReadAll({}, all.upper_bound, all.paginations[page], page);
      ASSERT_FALSE(rest.error) << rest.error->message;
      const auto begin = static_cast<std::ptrdiff_t>(page == 0 ? 0 : all.page_ends[page - 1]);
      const std::vector<std::string> expected(all.records.begin() + begin, all.records.end());
      const std::vector<std::string> ids(all.ids.begin() + begin, all.ids.end());
      ASSERT_TRUE(rest.records == expected) << "from page " << page;
      ASSERT_TRUE(rest.ids == ids) << "from page " << page;
      EXPECT_EQ(rest.position, all.position);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Modes, SourceConformance,
                         ::testing::Values(SyncMode::kFullRefresh, SyncMode::kIncremental),
                         [](const auto& mode) { return std::string(SyncModeName(mode.param)); });

}  // namespace
}  // namespace bizond
