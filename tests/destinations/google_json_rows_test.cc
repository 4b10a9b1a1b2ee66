// Rows of BigQuery in JSON: what is found where, what is a fault, and random nested records read
// back by a JSON library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "tests/destinations/google_rows_fixture.h"

namespace bizond {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

TEST(JsonRows, FindsFieldsByNameWithoutCaseAndWithEscapes) {
  const BigQuerySchema schema = {Column("Id", BigQueryType::kInteger),
                                 Column("n\xc3\xa9", BigQueryType::kString)};
  EXPECT_EQ(Write(schema, R"({"n\u00e9":"a","ID":1})").text, "{\"n\xc3\xa9\":\"a\",\"Id\":1}");
  EXPECT_EQ(Write(schema, "{}").text, "{}");
}

TEST(JsonRows, NamesThePlaceOfAFault) {
  const BigQuerySchema schema = {
      Column("id", BigQueryType::kInteger, ColumnMode::kRequired),
      Column("tags", BigQueryType::kString, ColumnMode::kRepeated),
      RecordOf("address", {Column("zip", BigQueryType::kInteger),
                           Column("city", BigQueryType::kString, ColumnMode::kRequired)}),
      RecordOf("lines", {RecordOf("tax", {Column("rate", BigQueryType::kNumeric)})},
               ColumnMode::kRepeated)};
  const std::pair<const char*, const char*> cases[] = {
      {R"({"id":1,"tags":["a",null]})", "tags[1]: takes no null in a list"},
      {R"({"id":1,"tags":"a"})", "tags: is REPEATED and takes a list, and the record has \"a\""},
      {R"({"id":1,"address":{"city":"x","zip":"y"}})",
       "address.zip: takes integers of 64 bits, and the record has \"y\""},
      {R"({"id":1,"address":{"zip":1}})",
       "address.city: is REQUIRED, and the record has no value for it"},
      {R"({"id":1,"address":{"city":null}})", "address.city: is REQUIRED, and the record has null"},
      {R"({"id":1,"address":{"city":"x","street":1}})",
       "address.street: is none of the table's, and the record has it"},
      {R"({"id":1,"address":[]})",
       "address: is a RECORD and takes an object, and the record has []"},
      {R"({"id":1,"lines":[{},{"tax":{"rate":"x"}}]})",
       "lines[1].tax.rate: takes numbers with up to 29 digits before the point and 9 behind "
       "it, "
       "and the record has \"x\""},
      {R"({"id":1,"lines":[{},3]})",
       "lines[1]: is a RECORD and takes an object, and the record has 3"},
      {R"({"tags":[]})", "id: is REQUIRED, and the record has no value for it"},
      {R"({"id":null})", "id: is REQUIRED, and the record has null"},
      {R"({"id":1,"extra":null})", "extra: is none of the table's, and the record has it"},
      {R"({"id":1,"ID":2})", "id: is there twice in the record"},
  };
  for (const auto& [record, fault] : cases) EXPECT_EQ(Write(schema, record).fault, fault) << record;
  EXPECT_EQ(Write(schema, R"({"id":1,"tags":null,"address":null,"lines":[{"tax":null},{}]})").text,
            R"({"id":1,"address":null,"lines":[{"tax":null},{}]})");
  EXPECT_EQ(Write(schema, R"({"tags":null,"id":1})").text, R"({"id":1})");
}

TEST(JsonRows, ShowsAFaultsValueCutAndOnOneLine) {
  const std::string record = R"({"v":")" + std::string(99, 'x') + "\xc3\xa9\xc3\xa9\"}";
  const std::string fault = Write({Column("v", BigQueryType::kDate)}, record).fault;
  EXPECT_TRUE(fault.ends_with("\"" + std::string(99, 'x'))) << fault;
}

TEST(JsonRows, ARequiredColumnWithADefaultMayBeLeftOut) {
  BigQueryColumn column = Column("at", BigQueryType::kTimestamp, ColumnMode::kRequired);
  column.default_value_expression = "CURRENT_TIMESTAMP()";
  EXPECT_EQ(Write({column}, "{}").text, "{}");
  EXPECT_THAT(Write({column}, R"({"at":null})").fault, HasSubstr("REQUIRED"));
}

std::string BizonRow(const Parsed& parsed, bool streaming, RowForm form) {
  JsonRows rows(BizonSchema(streaming), false, form, BizonIdMaker("run", "stream"));
  rows.Begin(parsed.batch, FromUnixMicros(1'764'547'201'000'000));
  std::string text;
  const auto fault = rows.Append(parsed.record(), &text);
  return fault ? fault->column + ": " + fault->reason : text;
}

TEST(JsonRows, WritesBizonsColumns) {
  const std::string data = R"({"id":"a \"b\"","n":12345678901234567890123.50})";
  const Parsed parsed(data, {"id"});
  const json loaded = json::parse(BizonRow(parsed, false, RowForm::kLoad));
  EXPECT_EQ(loaded["_source_data"], data);
  EXPECT_EQ(loaded["_source_record_id"], "a \"b\"");
  EXPECT_EQ(loaded["_source_timestamp"], "2025-12-01T00:00:00.000001Z");
  EXPECT_EQ(loaded["_bizon_extracted_at"], "2025-12-01T00:00:00.000001Z");
  EXPECT_EQ(loaded["_bizon_loaded_at"], "2025-12-01T00:00:01.000000Z");
  EXPECT_EQ(loaded["_bizon_id"].get<std::string>().size(), 32U);
  EXPECT_EQ(loaded.size(), 6U);
  const json streamed = json::parse(BizonRow(parsed, true, RowForm::kInsertAll));
  EXPECT_EQ(streamed, loaded) << "JSON goes as text";
  EXPECT_THAT(BizonRow(parsed, true, RowForm::kLoad), HasSubstr(R"("_source_data":{"id":)"));
}

TEST(JsonRows, ARecordWithoutAKeyHasNoneOrItsId) {
  const Parsed parsed(R"({"a":1})");
  EXPECT_EQ(json::parse(BizonRow(parsed, false, RowForm::kLoad))["_source_record_id"], nullptr);
  const json streamed = json::parse(BizonRow(parsed, true, RowForm::kInsertAll));
  EXPECT_EQ(streamed["_source_record_id"], streamed["_bizon_id"]);
}

// As text a record holds anything; as JSON what BigQuery parses.
TEST(JsonRows, BizonsColumnsTakeHardRecordsAsTextAndRefuseThemAsJson) {
  for (const char* data : {R"({"v":"\ud800"})", R"({"v":1e400})"}) {
    const Parsed parsed(data);
    EXPECT_EQ(json::parse(BizonRow(parsed, false, RowForm::kLoad))["_source_data"], data);
    EXPECT_THAT(BizonRow(parsed, true, RowForm::kInsertAll), HasSubstr("_source_data: takes"));
  }
}

// ---- random nested records ----

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  BigQuerySchema Schema(int depth) {
    BigQuerySchema schema;
    const size_t columns = 1 + Below(4);
    for (size_t i = 0; i < columns; ++i) {
      using enum BigQueryType;
      constexpr BigQueryType kTypes[] = {kString,  kInteger, kFloat, kNumeric,
                                         kBoolean, kJson,    kBytes, kRecord};
      BigQueryType type = kTypes[Below(depth > 0 ? std::size(kTypes) : std::size(kTypes) - 1)];
      const auto mode = static_cast<ColumnMode>(Below(3));
      const std::string name = "C" + std::to_string(i) + (Below(4) == 0 ? "_\xc3\xa9" : "");
      schema.push_back(type == kRecord ? RecordOf(name, Schema(depth - 1), mode)
                                       : Column(name, type, mode));
    }
    return schema;
  }

  // A record that fits, and what BigQuery is to read: names as the table has them.
  std::pair<json, json> Object(const BigQuerySchema& schema) {
    std::pair<json, json> made = {json::object(), json::object()};
    for (const BigQueryColumn& column : schema) {
      if (column.mode != ColumnMode::kRequired && Below(4) == 0) continue;
      const std::string name = Below(2) == 0 ? FoldColumnName(column.name) : column.name;
      if (column.mode == ColumnMode::kNullable && Below(4) == 0) {
        made.first[name] = nullptr;
        made.second[column.name] = nullptr;
        continue;
      }
      std::pair<json, json> value = {json::array(), json::array()};
      if (column.mode == ColumnMode::kRepeated) {
        for (size_t n = Below(3); n > 0; --n) {
          const auto element = One(column);
          value.first.push_back(element.first);
          value.second.push_back(element.second);
        }
      } else {
        value = One(column);
      }
      made.first[name] = value.first;
      made.second[column.name] = value.second;
    }
    return made;
  }

  size_t Below(size_t bound) { return random_() % bound; }

 private:
  std::pair<json, json> One(const BigQueryColumn& column) {
    const auto same = [](const json& value) { return std::pair<json, json>(value, value); };
    const int64_t number = static_cast<int64_t>(random_()) << (random_() % 40);
    switch (column.type) {
      case BigQueryType::kRecord:
        return Object(column.fields);
      case BigQueryType::kInteger:
        // Beyond 2^53 it goes as text.
        if (number > int64_t{1} << 53 || -number > int64_t{1} << 53)
          return {number, std::to_string(number)};
        return same(number);
      case BigQueryType::kFloat:
        return same(static_cast<double>(number) / 7);
      case BigQueryType::kNumeric:
        return {number, std::to_string(number)};
      case BigQueryType::kBoolean:
        return same(number % 2 == 0);
      case BigQueryType::kJson:
        return same(json{{"deep", json::array({number, "a\n\"\\", nullptr})}, {"b", {{"c", 1.5}}}});
      case BigQueryType::kBytes:
        return same("aGVsbG8=");
      default:
        return same("text \"quoted\" \xf0\x9f\x98\x80 \t" + std::to_string(number));
    }
  }

  std::mt19937 random_;
};

TEST(JsonRows, RandomNestedRecordsReadBackAsTheyWere) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Maker maker(seed);
    const BigQuerySchema schema = maker.Schema(3);
    const auto [record, wanted] = maker.Object(schema);
    const std::string text = record.dump(maker.Below(2) == 0 ? -1 : 1, ' ', maker.Below(2) == 0);
    const Written written = Write(schema, text);
    ASSERT_EQ(written.fault, "") << text;
    ASSERT_EQ(json::parse(written.text), wanted) << text;
  }
}

// One more field anywhere is a fault that names it.
TEST(JsonRows, AnUnknownFieldIsFoundAtAnyDepth) {
  int found = 0;
  for (unsigned seed = 0; seed < 500; ++seed) {
    Maker maker(seed);
    const BigQuerySchema schema = maker.Schema(3);
    json record = maker.Object(schema).first;
    json* place = &record;
    for (bool deeper = true; deeper;) {
      deeper = false;
      for (auto& [name, value] : place->items()) {
        // The one that JSON columns hold has fields of its own.
        if (!value.is_object() || value.contains("deep")) continue;
        place = &value;
        deeper = true;
        break;
      }
    }
    (*place)["surplus"] = 1;
    const std::string fault = Write(schema, record.dump()).fault;
    EXPECT_THAT(fault, HasSubstr("surplus: is none of the table's")) << record;
    ++found;
  }
  EXPECT_EQ(found, 500);
}

}  // namespace
}  // namespace bizond
