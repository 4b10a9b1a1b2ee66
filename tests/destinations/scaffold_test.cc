// `bizond new destination NAME` over a copy of the two tables that it writes into.
#include "destinations/scaffold.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace bizond {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTables[] = {"destinations/catalog.cc",
                                   "tests/conformance/destination_fixtures.cc"};

constexpr const char* kShape = R"(#include "destinations/file/file_destination.h"
DestinationFixture MakeFileFixture();
constexpr FixtureRow kFixtures[] = {
    {"file", MakeFileFixture},
};
constexpr DestinationDescriptor kDestinations[] = {
    {.name = "file"},
};
)";

class ScaffoldTest : public ::testing::Test {
 protected:
  ScaffoldTest() {
    std::string pattern = fs::path(::testing::TempDir()) / "scaffold_XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temp folder");
    checkout_ = pattern;
    for (const char* table : kTables) {
      fs::create_directories((checkout_ / table).parent_path());
      std::error_code unreadable;  // As another user: that test needs the tables' shape alone.
      fs::copy_file(fs::path(BIZOND_SOURCE_DIR) / table, checkout_ / table, unreadable);
      if (unreadable) std::ofstream(checkout_ / table) << kShape;
    }
  }
  ~ScaffoldTest() override { fs::remove_all(checkout_); }

  static std::string Read(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Every file of the checkout with its text.
  std::map<std::string, std::string> Tree() const {
    std::map<std::string, std::string> tree;
    for (const auto& entry : fs::recursive_directory_iterator(checkout_)) {
      tree[entry.path().lexically_relative(checkout_)] =
          entry.is_directory() ? "" : Read(entry.path());
    }
    return tree;
  }
  Status New(const std::string& name) const {
    return ScaffoldConnectorFrom(checkout_, "destination", name);
  }

  fs::path checkout_;
};

TEST_F(ScaffoldTest, LaysOutTheFolderTheTestAndTheRows) {
  const Status done = ScaffoldConnectorFrom(checkout_ / "tests", "destination", "my_lake2");
  ASSERT_TRUE(done) << Describe(done.error());
  for (const char* path :
       {"destinations/my_lake2/my_lake2_destination.h",
        "destinations/my_lake2/my_lake2_destination.cc", "destinations/my_lake2/schema.json",
        "destinations/my_lake2/example.yml", "destinations/my_lake2/README.md",
        "tests/conformance/destination_my_lake2_test.cc"}) {
    const std::string text = Read(checkout_ / path);
    EXPECT_FALSE(text.empty()) << path;
    EXPECT_EQ(text.find('@'), std::string::npos) << path << " has a word that was not filled in";
  }
  const std::string catalog = Read(checkout_ / kTables[0]);
  EXPECT_NE(catalog.find("#include \"destinations/my_lake2/my_lake2_destination.h\"\n"
                         "#include \"destinations/sqlite/"),
            std::string::npos)
      << catalog;
  const size_t row = catalog.find(".name = \"my_lake2\"");
  EXPECT_LT(catalog.find(".name = \"logger\""), row);
  EXPECT_GT(catalog.find(".name = \"sqlite\""), row);
  EXPECT_NE(catalog.find(".open = OpenMyLake2Destination}"), std::string::npos);
  const std::string fixtures = Read(checkout_ / kTables[1]);
  EXPECT_NE(fixtures.find("DestinationFixture MakeMyLake2Fixture();\n"), std::string::npos);
  EXPECT_NE(fixtures.find("    {\"my_lake2\", MakeMyLake2Fixture},\n    {\"sqlite\""),
            std::string::npos);
}

TEST_F(ScaffoldTest, TheFirstAndTheLastNameHaveTheirPlace) {
  ASSERT_TRUE(New("aaa"));
  ASSERT_TRUE(New("zzz"));
  const std::string catalog = Read(checkout_ / kTables[0]);
  EXPECT_LT(catalog.find("\"aaa\""), catalog.find("\"file\""));
  EXPECT_LT(catalog.find("\"sqlite\""), catalog.find("\"zzz\""));
  EXPECT_LT(catalog.find("\"zzz\""), catalog.find("\n};"));
  EXPECT_LT(catalog.find("destinations/catalog.h"), catalog.find("destinations/aaa/"));
}

TEST_F(ScaffoldTest, RefusesNamesThatAreNone) {
  const auto before = Tree();
  for (const std::string name :
       {"", "My", "1a", "a-b", "a b", "../x", "a/b", "a_", "_a", "a__b", "n\xc3\xa9", "a;rm -rf x",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmno"}) {
    const Status done = New(name);
    ASSERT_FALSE(done) << name;
    EXPECT_EQ(done.error().code, "bad_connector_name") << name;
    EXPECT_FALSE(done.error().remedy.empty());
  }
  EXPECT_EQ(Tree(), before);
}

TEST_F(ScaffoldTest, OverwritesNothing) {
  ASSERT_TRUE(New("mine"));
  fs::create_directories(checkout_ / "destinations/half");
  std::ofstream(checkout_ / "tests/conformance/destination_odd_test.cc") << "kept";
  const auto before = Tree();
  for (const char* name : {"mine", "half", "odd", "file", "logger", "template"}) {
    const Status done = New(name);
    ASSERT_FALSE(done) << name;
    EXPECT_EQ(done.error().code, "connector_exists") << name;
  }
  EXPECT_EQ(Tree(), before);
}

TEST_F(ScaffoldTest, LeavesTheCheckoutAsItWasWhenATableIsOdd) {
  std::ofstream(checkout_ / kTables[1]) << "// no table here\n";
  const auto before = Tree();
  const Status done = New("mine");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "not_a_checkout");
  EXPECT_NE(done.error().remedy.find("MakeMineFixture"), std::string::npos);
  EXPECT_EQ(Tree(), before);
}

TEST_F(ScaffoldTest, SaysWhereACheckoutIsMissing) {
  const Status elsewhere = ScaffoldConnectorFrom(::testing::TempDir(), "destination", "mine");
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, "not_a_checkout");
  EXPECT_NE(elsewhere.error().message.find(::testing::TempDir()), std::string::npos);
}

TEST_F(ScaffoldTest, LaysOutDestinationsOnly) {
  for (const char* kind : {"source", "", "Destination", "job"}) {
    const Status done = ScaffoldConnectorFrom(checkout_, kind, "mine");
    ASSERT_FALSE(done) << kind;
    EXPECT_EQ(done.error().code, "unknown_kind");
  }
}

class ScaffoldUnprivilegedTest : public ScaffoldTest {};

TEST_F(ScaffoldUnprivilegedTest, TakesBackWhatItCouldNotFinish) {
  fs::permissions(checkout_ / "tests/conformance", fs::perms::owner_read | fs::perms::owner_exec);
  const auto before = Tree();
  const Status done = New("mine");
  EXPECT_FALSE(done);
  EXPECT_EQ(Tree(), before);
  fs::permissions(checkout_ / "tests/conformance", fs::perms::owner_all);
}

}  // namespace
}  // namespace bizond
