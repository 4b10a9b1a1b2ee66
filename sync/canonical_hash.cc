#include <simdjson.h>

#include <array>
#include <utility>

#include "base/text.h"
#include "sync/boundary_set.h"
#include "sync/cursor.h"
#include "sync/record_batch.h"

namespace bizond {
namespace {

namespace ondemand = simdjson::ondemand;

// Keeps the kinds of values apart, so that "1" and 1, {} and [] have different hashes.
enum Tag : uint64_t { kScalar = 1, kString, kArray, kObject };

Hash128 Combine(const Hash128& a, const Hash128& b, Tag tag) {
  const std::array<uint64_t, 4> words = {a.high, a.low, b.high, b.low};
  return HashBytes(std::string_view(reinterpret_cast<const char*>(words.data()), sizeof(words)),
                   tag);
}

Hash128 HashString(std::string_view token) {
  const std::string_view inside = token.substr(1, token.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return HashBytes(inside, kString);
  return HashBytes(UnescapeJsonString(token), kString);
}

// The record was parsed before, so errors cannot come; an unexpected one gives the hash of what was
// read so far, which is still the same for the same bytes.
Hash128 HashValue(ondemand::value& value);

Hash128 HashObject(ondemand::object object) {
  Hash128 sum;
  uint64_t members = 0;
  for (auto&& found : object) {
    ondemand::field field;
    if (std::move(found).get(field) != simdjson::SUCCESS) break;
    const char* const raw = field.key().raw();
    const char* end = raw;
    while (*end != '"') end += (*end == '\\') ? 2 : 1;
    const Hash128 key = HashString({raw - 1, static_cast<size_t>(end - raw) + 2});
    const Hash128 member = Combine(key, HashValue(field.value()), kObject);
    // A sum does not depend on the order.
    sum.high += member.high;
    sum.low += member.low;
    ++members;
  }
  return Combine(sum, Hash128{members, 0}, kObject);
}

Hash128 HashArray(ondemand::array array) {
  Hash128 hash{0, kArray};
  for (auto&& found : array) {
    ondemand::value element;
    if (std::move(found).get(element) != simdjson::SUCCESS) break;
    hash = Combine(hash, HashValue(element), kArray);
  }
  return hash;
}

Hash128 HashValue(ondemand::value& value) {
  const std::string_view token = TrimEnd(value.raw_json_token());
  if (!token.empty() && token[0] == '{') {
    ondemand::object object;
    if (value.get_object().get(object) == simdjson::SUCCESS) return HashObject(object);
  } else if (!token.empty() && token[0] == '[') {
    ondemand::array array;
    if (value.get_array().get(array) == simdjson::SUCCESS) return HashArray(array);
  } else if (token.size() >= 2 && token[0] == '"') {
    return HashString(token);
  }
  return HashBytes(token, kScalar);
}

}  // namespace

Hash128 CanonicalHash(std::string_view json) {
  thread_local ondemand::parser parser;
  ondemand::document document;
  ondemand::object object;
  const simdjson::padded_string_view padded(json.data(), json.size(),
                                            json.size() + RecordBatch::kPadding);
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return HashBytes(json);
  }
  return HashObject(object);
}

}  // namespace bizond
