// The parser of records beside nlohmann's: the same documents are taken, and the same fields found.
#include "sync/record_parser.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "base/text.h"
#include "sync/boundary_set.h"

namespace bizond {
namespace {

using nlohmann::json;

struct Parsed {
  std::string error;  // A code; empty: taken.
  std::string data;
  std::string cursor;
  std::string key;
  bool has_key = false;
};

Parsed Parse(const std::string& text, const std::string& cursor = "at",
             const std::vector<std::string>& key = {"id"}) {
  RecordParser parser(cursor, key);
  RecordBatch batch;
  const Status added = parser.Add(batch.Store(text), 7, &batch);
  if (!added) {
    EXPECT_TRUE(batch.records().empty()) << "a record that was refused is in the batch";
    return {added.error().code, "", "", "", false};
  }
  const Record& record = batch.records().at(0);
  EXPECT_EQ(record.position, 7);
  return {"", std::string(record.data), std::string(record.cursor), std::string(record.key),
          record.has_key};
}

// The independent judge: nlohmann's grammar, without its numbers (it refuses 1e999) and with the
// last of equal keys.
class Judge : public nlohmann::json_sax<json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return Enter(); }
  bool key(string_t&) override { return true; }
  bool end_object() override { return --depth_ >= 0; }
  bool start_array(size_t) override { return Enter(); }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(size_t, const std::string&, const json::exception& error) override {
    // Range errors and lone surrogates are not errors of the grammar.
    told = error.what();
    return false;
  }
  std::string told;
  int deepest = 0;

 private:
  bool Enter() {
    deepest = std::max(deepest, ++depth_);
    return true;
  }
  int depth_ = 0;
};

enum class Verdict { kTaken, kRefused, kUnsure };

Verdict JudgeOf(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos || text[begin] != '{') return Verdict::kRefused;
  if (!IsUtf8(text)) return Verdict::kRefused;
  // nlohmann skips a byte order mark and knows only decodable surrogates.
  Judge judge;
  const bool taken = json::sax_parse(text, &judge);
  if (judge.deepest > 500) return Verdict::kUnsure;
  if (taken) return Verdict::kTaken;
  if (judge.told.find("surrogate") != std::string::npos) return Verdict::kUnsure;
  if (judge.told.find("out_of_range") != std::string::npos) return Verdict::kUnsure;
  return Verdict::kRefused;
}

void ExpectSameVerdict(const std::string& text) {
  const Verdict judged = JudgeOf(text);
  if (judged == Verdict::kUnsure) return;
  const Parsed parsed = Parse(text);
  EXPECT_EQ(parsed.error.empty(), judged == Verdict::kTaken) << parsed.error << ": " << text;
  if (!parsed.error.empty() || judged != Verdict::kTaken) return;
  EXPECT_EQ(parsed.data.find_first_of("\r\n"), std::string::npos);
  EXPECT_EQ(json::parse(parsed.data), json::parse(text)) << text;
  const json value = json::parse(text);
  if (value.contains("at")) {
    EXPECT_EQ(json::parse(parsed.cursor), value["at"]) << text;
  } else {
    EXPECT_EQ(parsed.cursor, "") << text;
  }
  const bool has_key = value.contains("id") && !value["id"].is_null();
  EXPECT_EQ(parsed.has_key, has_key) << text;
  if (!has_key) return;
  if (value["id"].is_string()) {
    EXPECT_EQ(parsed.key, value["id"].get<std::string>()) << text;
  } else {
    EXPECT_EQ(json::parse(parsed.key), value["id"]) << text;
  }
}

const char* const kSeedRecords[] = {
    R"({})",
    R"({"id":1,"at":2})",
    R"({"at":"2020-01-01T00:00:00Z","id":"a\"b\\c\u00e9","n":{"at":5,"id":[1,{"id":2}]}})",
    R"( { "id" : null , "at" : -1.5e+10 , "x" : [ ] , "y" : { } } )",
    R"({"\u0061t":1,"\u0069d":"k","at ":3})",
    R"({"id":1,"id":2,"at":3,"at":4})",
    R"({"a":[1,2,3,[4,[5,[6]]],true,false,null],"at":0,"id":0})",
    R"({"a":"\b\f\n\r\t\/\u0000","id":"\u0000","at":"\ud83d\ude00"})",
    R"({"big":123456789012345678901234567890,"at":1E400,"id":0.1})",
    "{\"id\":\"\xC3\xA9\xF0\x9F\x98\x80\",\n\"at\":\r\n1}",
    R"({"id":{"$oid":"5f"},"at":[1,2]})",
};

TEST(RecordParser, TakesTheSameDocumentsAsNlohmann) {
  for (const char* const seed : kSeedRecords) ExpectSameVerdict(seed);
  const char* const kRefused[] = {
      "",
      "  ",
      "[]",
      "1",
      "\"a\"",
      "null",
      "{",
      "}",
      "{]",
      R"({"a":1}})",
      R"({"a":1} x)",
      R"({"a":1}{"b":2})",
      R"({"a":1,})",
      R"({,"a":1})",
      R"({"a"1})",
      R"({"a":})",
      R"({"a":1 2})",
      R"({"a":01})",
      R"({"a":1.})",
      R"({"a":.5})",
      R"({"a":+1})",
      R"({"a":1e})",
      R"({"a":--1})",
      R"({"a":-})",
      R"({"a":0x1})",
      R"({"a":NaN})",
      R"({"a":Infinity})",
      R"({"a":tru})",
      R"({"a":truex})",
      R"({"a":nul})",
      R"({"a":'x'})",
      R"({a:1})",
      R"({"a":"x)",
      R"({"a":"\x"})",
      R"({"a":"\u12G4"})",
      R"({"a":"\u123"})",
      R"({"a\x":1})",
      R"({"a":"x"y})",
      R"({"a":"x""y"})",
      R"({"a":[1,]})",
      R"({"a":[,1]})",
      R"({"a":[1 2]})",
      R"({"a":[1}])",
      R"({"a":{"b":1]})",
      R"({"a":1,"b"})",
      R"({1:2})",
      R"({"a":/*c*/1})",
      "{\"a\":\"x\ny\"}",
      "{\"a\":\"\x01\"}",
      "\xEF\xBB\xBF{\"a\":1}",
      "{\"a\":\"\xC3\"}",
      "{\"a\":\"\xED\xA0\x80\"}",
      "{\"a\":\"\xC0\x80\"}",
  };
  for (const char* const text : kRefused) {
    EXPECT_NE(Parse(text).error, "") << "taken: " << text;
  }
  EXPECT_NE(Parse(std::string("{\"a\":1}\0", 8)).error, "");
  EXPECT_NE(Parse(std::string("{\"a\0\":1}", 8)).error, "");
  EXPECT_EQ(Parse("[1]").error, "not_an_object");
  EXPECT_EQ(Parse("{\"a\":\"\xC3\"}").error, "bad_utf8");
  EXPECT_EQ(Parse("{\"a\":").error, "bad_json");
}

TEST(RecordParser, TakesTheSameMutatedDocumentsAsNlohmann) {
  const char* const seed = std::getenv("BIZOND_TEST_SEED");
  std::mt19937 random(seed == nullptr ? 1 : static_cast<unsigned>(std::atoi(seed)));
  constexpr std::string_view kBytes = "{}[]\",:\\ue0123456789.-+tfnl \n\t\0\x80\xC3\xA9x/";
  for (int round = 0; round < 60'000 && !::testing::Test::HasFailure(); ++round) {
    std::string text = kSeedRecords[random() % std::size(kSeedRecords)];
    for (auto edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % (text.size() + 1);
      const char byte = kBytes[random() % kBytes.size()];
      switch (random() % 4) {
        case 0:
          text.insert(at, 1, byte);
          break;
        case 1:
          if (at < text.size()) text[at] = byte;
          break;
        case 2:
          text.erase(at, 1 + random() % 3);
          break;
        default:
          text.resize(at);
      }
    }
    ExpectSameVerdict(text);
  }
}

TEST(RecordParser, RefusesEveryTruncation) {
  const std::string text = kSeedRecords[2];
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(Parse(text.substr(0, size)).error, "") << text.substr(0, size);
  }
}

TEST(RecordParser, KeepsWhatADoubleWouldLose) {
  const Parsed record = Parse(
      R"({"id":12345678901234567890123456789012345678,"at":9007199254740993,"x":1.10,"y":1e-400})");
  EXPECT_EQ(record.key, "12345678901234567890123456789012345678");
  EXPECT_EQ(record.cursor, "9007199254740993");
  EXPECT_THAT(record.data, ::testing::HasSubstr(R"("x":1.10,"y":1e-400)"));
}

TEST(RecordParser, ACursorMayBePartOfTheKey) {
  const std::string text = R"({"id":4,"at":9})";
  EXPECT_EQ(Parse(text, "id", {"id"}).key, "4");
  EXPECT_EQ(Parse(text, "id", {"id"}).cursor, "4");
  EXPECT_EQ(Parse(text, "at", {"id", "at"}).key, "[4,9]");
  EXPECT_EQ(Parse(text, "at", {"at", "id", "at"}).key, "[9,4,9]");
  EXPECT_FALSE(Parse(text, "at", {"id", "absent"}).has_key);
  EXPECT_FALSE(Parse(text, "", {}).has_key);
  EXPECT_EQ(Parse(text, "", {}).cursor, "");
}

TEST(RecordParser, AKeyMayBeAnObject) {
  EXPECT_EQ(Parse(R"({"id":{"$oid":"a"}, "at":1})").key, R"({"$oid":"a"})");
  EXPECT_EQ(Parse(R"({"id":[1, 2],"at":1})").key, "[1, 2]");
  EXPECT_EQ(Parse(R"({"id":{},"at":{"a":[{}]}})").cursor, R"({"a":[{}]})");
  EXPECT_EQ(Parse(R"({"id":{"a":tru},"at":1})").error, "bad_json");
  EXPECT_EQ(Parse(R"({"id":[1,],"at":1})").error, "bad_json");
}

TEST(RecordParser, LoneSurrogatesPassAndNeverBecomeBytesThatAreNoUtf8) {
  const Parsed one = Parse(R"({"id":"\ud800","at":"\udfff"})");
  EXPECT_EQ(one.error, "");
  EXPECT_TRUE(IsUtf8(one.key));
  EXPECT_NE(one.key, Parse(R"({"id":"\ud801"})").key);
  EXPECT_EQ(Parse(R"({"id":"\ud83d\ude00"})").key, "\xF0\x9F\x98\x80");
  EXPECT_EQ(Parse(R"({"\ud800":1,"id":2})").key, "2");
}

TEST(RecordParser, ALineEndBetweenTokensBecomesASpace) {
  const Parsed record = Parse("{\"id\":\n1,\r\n\"at\":2}\n");
  EXPECT_EQ(record.data, "{\"id\": 1,  \"at\":2}");
  EXPECT_EQ(record.cursor, "2");
}

TEST(RecordParser, NestsDeepAndNoDeeper) {
  const auto nested = [](size_t depth) {
    return R"({"id":1,"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(Parse(nested(500)).error, "");
  for (const size_t depth : {513u, 2000u, 100'000u}) {
    EXPECT_EQ(Parse(nested(depth)).error, "bad_json") << depth;
  }
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_EQ(Parse(objects).error, "bad_json");
}

TEST(RecordParser, OneParserTakesManyRecords) {
  RecordParser parser("at", {"id"});
  RecordBatch batch;
  for (uint32_t i = 0; i < 300; ++i) {
    // One of 3 MB in between, and one that is refused.
    const std::string pad(i == 100 ? 3 << 20 : i % 50, 'x');
    const std::string text = fmt::format(R"({{"p":"{}","id":{},"at":{}}})", pad, i, i * 2);
    ASSERT_TRUE(parser.Add(batch.Store(text), i, &batch));
    ASSERT_FALSE(parser.Add(batch.Store(R"({"id":1,"at":)"), i, &batch));
  }
  ASSERT_EQ(batch.records().size(), 300);
  for (uint32_t i = 0; i < 300; ++i) {
    EXPECT_EQ(batch.records()[i].key, std::to_string(i));
    EXPECT_EQ(batch.records()[i].cursor, std::to_string(i * 2));
    EXPECT_EQ(json::parse(batch.records()[i].data)["id"], i);
  }
}

Hash128 HashOf(const std::string& text) {
  RecordBatch batch;
  RecordParser parser("", {});
  if (!parser.Add(batch.Store(text), 0, &batch)) throw std::logic_error(text);
  return CanonicalHash(batch.records()[0].data);
}

TEST(CanonicalHash, IsOfTheContentAndNotOfItsForm) {
  const Hash128 plain = HashOf(R"({"a":1,"b":{"c":[1,2],"d":"x"}})");
  EXPECT_EQ(plain, HashOf(R"( { "b" : { "d":"x" , "c" : [ 1 , 2 ] } , "a" : 1 } )"));
  EXPECT_EQ(plain, HashOf(R"({"\u0061":1,"b":{"c":[1,2],"d":"\u0078"}})"));
  const char* const kOthers[] = {
      R"({"a":1,"b":{"c":[2,1],"d":"x"}})",
      R"({"a":1.0,"b":{"c":[1,2],"d":"x"}})",
      R"({"a":"1","b":{"c":[1,2],"d":"x"}})",
      R"({"b":1,"a":{"c":[1,2],"d":"x"}})",
      R"({"a":1,"b":{"c":[1,2]},"d":"x"})",
      R"({"a":1,"b":{"c":[1,2],"d":"x"},"e":null})",
      R"({"a":1,"b":{"c":[[1],2],"d":"x"}})",
      R"({"a":1,"b":[{"c":[1,2],"d":"x"}]})",
      R"({})",
  };
  std::vector<Hash128> seen = {plain};
  for (const char* const text : kOthers) {
    const Hash128 hash = HashOf(text);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), hash), 0) << text;
    seen.push_back(hash);
  }
  EXPECT_NE(HashOf(R"({"a":{}})"), HashOf(R"({"a":[]})"));
  EXPECT_NE(HashOf(R"({"a":[]})"), HashOf(R"({"a":""})"));
  EXPECT_NE(HashOf(R"({"a":null})"), HashOf(R"({"a":"null"})"));
  EXPECT_NE(HashOf(R"({"a":["b","c"]})"), HashOf(R"({"a":["b,c"]})"));
}

// nlohmann's own comparison is the oracle: equal values have one hash, others have not.
TEST(CanonicalHash, TellsRandomRecordsApartAsTheirValuesDo) {
  std::mt19937 random(7);
  const std::function<json(int)> make = [&](int depth) -> json {
    switch (random() % (depth > 0 ? 6 : 4)) {
      case 0:
        return random() % 3;
      case 1:
        return std::string(random() % 3, 'x');
      case 2:
        return nullptr;
      case 3:
        return random() % 2 == 0;
      case 4: {
        json array = json::array();
        for (auto i = random() % 3; i > 0; --i) array.push_back(make(depth - 1));
        return array;
      }
      default: {
        json object = json::object();
        for (auto i = random() % 3; i > 0; --i) {
          object[std::string(1, static_cast<char>('a' + random() % 3))] = make(depth - 1);
        }
        return object;
      }
    }
  };
  std::vector<std::pair<json, Hash128>> all;
  for (int i = 0; i < 1500; ++i) {
    const json record = {{"r", make(3)}};
    all.emplace_back(record, HashOf(record.dump(static_cast<int>(random() % 3) - 1)));
  }
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      ASSERT_EQ(all[i].first == all[k].first, all[i].second == all[k].second)
          << all[i].first << " and " << all[k].first;
    }
  }
}

}  // namespace
}  // namespace bizond
