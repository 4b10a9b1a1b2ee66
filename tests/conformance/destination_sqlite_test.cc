// The destination sqlite: how the conformance suite reads its rows back, and what only it does.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <nlohmann/json.hpp>

#include "tests/conformance/destination_harness.h"

namespace bizond {
namespace {

using Row = std::vector<std::string>;

// Every row of a query, through SQLite's own interface; nothing when it cannot be asked.
std::vector<Row> Query(const std::filesystem::path& path, const std::string& sql) {
  std::vector<Row> rows;
  sqlite3* database = nullptr;
  sqlite3_stmt* query = nullptr;
  if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK &&
      sqlite3_prepare_v2(database, sql.c_str(), -1, &query, nullptr) == SQLITE_OK) {
    while (sqlite3_step(query) == SQLITE_ROW) {
      Row& row = rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(query); ++i) {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(query, i));
        row.emplace_back(bytes == nullptr ? "" : bytes,
                         static_cast<size_t>(sqlite3_column_bytes(query, i)));
      }
    }
  }
  sqlite3_finalize(query);
  sqlite3_close(database);
  return rows;
}

std::string Quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

}  // namespace

DestinationFixture MakeSqliteFixture() {
  return {
      .place =
          [](const std::string& directory, const std::string& id) {
            const std::string path = directory.empty() ? "target.db" : directory + "/target.db";
            return Placement{nlohmann::json{{"path", path}}.dump(), id};
          },
      .read =
          [](const TestTarget& target) {
            std::vector<StoredRow> rows;
            for (Row& row :
                 Query(target.folder / "target.db", "SELECT source_record_id, source_data FROM " +
                                                        Quoted(target.id) + " ORDER BY rowid")) {
              rows.push_back({row[0], row[1]});
            }
            return rows;
          },
      .leftovers =
          [](const TestTarget& target) {
            std::vector<std::string> found;
            for (const Row& row : Query(target.folder / "target.db",
                                        "SELECT name FROM sqlite_schema WHERE name"
                                        " LIKE '%\\_temp' ESCAPE '\\' OR name LIKE"
                                        " '%\\_incremental' ESCAPE '\\'")) {
              found.push_back(row[0]);
            }
            return found;
          },
      .fences = true,
  };
}

namespace {

class SqliteDestinationTest : public ::testing::Test {
 protected:
  static std::vector<Row> Ask(const DestinationHarness& harness, const std::string& sql) {
    return Query(harness.folder() / "target.db", sql);
  }
};

TEST_F(SqliteDestinationTest, MakesIndexesAndTriggersAgain) {
  DestinationHarness harness("sqlite", PublishMode::kReplace);
  ASSERT_TRUE(harness.Run("r1", {PlainRecords(1, 5)}));
  Ask(harness, "CREATE INDEX by_key ON target (source_record_id)");
  Ask(harness, "CREATE TRIGGER guard BEFORE DELETE ON target BEGIN SELECT 1; END");
  ASSERT_TRUE(harness.Run("r2", {PlainRecords(3, 5)}));
  const auto rows = Ask(harness,
                        "SELECT name FROM sqlite_schema WHERE tbl_name = 'target' AND type"
                        " <> 'table' ORDER BY 1");
  EXPECT_EQ(rows, (std::vector<Row>{{"by_key"}, {"guard"}}));
  EXPECT_EQ(Ask(harness, "PRAGMA integrity_check"), (std::vector<Row>{{"ok"}}));
}

TEST_F(SqliteDestinationTest, InfersColumnsAndAddsThemAsTheyAppear) {
  DestinationHarness harness("sqlite", PublishMode::kAppend);
  harness.set_config(R"({"path":"target.db","unnest":true})");
  ASSERT_TRUE(harness.Run("r1", {{R"({"id":1,"Name":"a","ok":true})"},
                                 {R"({"id":2,"name":"b","nest":{"x":[1]},"real":1.5})"}}));
  ASSERT_TRUE(harness.Run("r2", {{R"({"id":3,"late":"c"})"}}));
  EXPECT_EQ(Ask(harness, "SELECT id, \"Name\", name_2, ok, nest, \"real\", late FROM target"),
            (std::vector<Row>{{"1", "a", "", "1", "", "", ""},
                              {"2", "", "b", "", R"({"x":[1]})", "1.5", ""},
                              {"3", "", "", "", "", "", "c"}}));
}

TEST_F(SqliteDestinationTest, RecordSchemasTypeTheColumns) {
  DestinationHarness harness("sqlite", PublishMode::kReplace);
  harness.set_config(
      R"({"path":"target.db","unnest":true,"record_schemas":[{"destination_id":)"
      R"("target","record_schema":[{"name":"id","type":"INTEGER","mode":"REQUIRED"},)"
      R"({"name":"v","type":"STRING"}]}]})");
  ASSERT_TRUE(harness.Run("r1", {{R"({"id":1,"v":"a"})", R"({"id":2,"v":null})"}}));
  for (const char* record :
       {R"({"id":1,"v":"x","w":3})", R"({"id":"one","v":"x"})", R"({"v":"x"})"}) {
    harness.ForgetRun();
    const Status done = harness.Run("r2", {{record}});
    ASSERT_FALSE(done) << record;
    EXPECT_EQ(done.error().code, "schema_mismatch");
  }
  EXPECT_EQ(Ask(harness, "SELECT id, v FROM target"), (std::vector<Row>{{"1", "a"}, {"2", ""}}));
}

TEST_F(SqliteDestinationTest, MergesUnnestedRowsByACompositeKey) {
  DestinationHarness harness("sqlite", PublishMode::kMerge);
  harness.job().source.primary_key = {"id", "part"};
  harness.set_config(R"({"path":"target.db","unnest":true})");
  ASSERT_TRUE(harness.Run("r1", {{R"({"id":1,"part":"a","at":5,"v":"new"})",
                                  R"({"id":1,"part":"b","at":5,"v":"other"})"}}));
  ASSERT_TRUE(harness.Run("r2", {{R"({"id":1,"part":"a","at":4,"v":"late"})",
                                  R"({"id":1,"part":"b","at":6,"v":"newer"})"}}));
  EXPECT_EQ(Ask(harness, "SELECT part, v FROM target ORDER BY part"),
            (std::vector<Row>{{"a", "new"}, {"b", "newer"}}));
}

// A job that changes from append to merge, and back.
TEST_F(SqliteDestinationTest, ChangesBetweenAppendAndMerge) {
  DestinationHarness harness("sqlite", PublishMode::kMerge);
  ASSERT_TRUE(harness.Run("r1", {PlainRecords(1, 3)}));
  harness.set_mode(PublishMode::kAppend);
  harness.job().destination.write = WriteMode::kAppend;
  const Status appended = harness.Run("r2", {PlainRecords(2, 3)});
  ASSERT_TRUE(appended) << Describe(appended.error());
  EXPECT_EQ(Ask(harness, "SELECT count(*) FROM target"), (std::vector<Row>{{"6"}}));
}

TEST_F(SqliteDestinationTest, RefusesANameThatIsAnothersStaging) {
  for (const char* id : {"target_temp", "Target_INCREMENTAL"}) {
    DestinationHarness harness("sqlite", PublishMode::kReplace);
    harness.PlaceIn("", id);
    const auto made = harness.Make();
    ASSERT_FALSE(made) << id;
    EXPECT_EQ(made.error().code, "bad_table");
  }
}

TEST_F(SqliteDestinationTest, TakesTwoTablesOfOneDatabase) {
  DestinationHarness harness("sqlite", PublishMode::kAppend);
  ASSERT_TRUE(harness.Run("r1", {PlainRecords(1, 3)}));
  const auto first = harness.receipt;
  harness.PlaceIn("", "second");
  harness.receipt.reset();
  ASSERT_TRUE(harness.Run("r2", {PlainRecords(1, 4)}));
  harness.PlaceIn("");
  harness.receipt = first;
  ASSERT_TRUE(harness.Run("r3", {PlainRecords(4, 1)}));
  EXPECT_EQ(harness.Published().size(), 4U);
}

}  // namespace
}  // namespace bizond
