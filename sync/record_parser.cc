#include "sync/record_parser.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/text.h"
#include "sync/cursor.h"

namespace bizond {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kMaxDepth = 512;

// RFC 8259 section 6.
bool IsNumber(std::string_view token) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t start = at;
    while (at < token.size() && IsDigit(token[at])) ++at;
    return at - start;
  };
  if (at < token.size() && token[at] == '-') ++at;
  const bool zero = at < token.size() && token[at] == '0';
  const size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < token.size() && token[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
    ++at;
    if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == token.size();
}

// The escapes of all strings at once: a backslash elsewhere is no token, and no escape reaches over
// the end of its string, for a quote is no hexadecimal digit. Quotes and control characters are the
// indexer's to check. Lone surrogates are valid grammar (RFC 8259 section 8.2) and pass.
bool EscapesAreValid(std::string_view text) {
  for (size_t i = 0; (i = text.find('\\', i)) != std::string_view::npos; ++i) {
    if (++i >= text.size()) return false;
    if (text[i] == 'u') {
      if (text.size() - i < 5) return false;
      for (size_t k = i + 1; k <= i + 4; ++k) {
        const char lower = static_cast<char>(text[k] | 0x20);
        if (!IsDigit(text[k]) && (lower < 'a' || lower > 'f')) return false;
      }
      i += 4;
    } else if (std::strchr("\"\\/bfnrt", text[i]) == nullptr) {
      return false;
    }
  }
  return true;
}

bool IsString(std::string_view token) { return token.size() >= 2 && token.back() == '"'; }

// Neither a string nor empty.
bool IsLiteral(std::string_view token) {
  switch (token[0]) {
    case 't':
      return token == "true";
    case 'f':
      return token == "false";
    case 'n':
      return token == "null";
    default:
      return IsNumber(token);
  }
}

// The text of a key up to its closing quote; the indexer has seen that there is one.
std::string_view KeyText(const char* raw) {
  const char* end = raw;
  while (*end != '"') end += (*end == '\\') ? 2 : 1;
  return {raw, static_cast<size_t>(end - raw)};
}

Status BadJson(std::string_view what) {
  return Fail(ErrorKind::kPermanent, "bad_json", "not valid JSON: " + std::string(what));
}

// What the walk looks for at the top level of the record.
struct Wanted {
  std::string name;
  std::string_view token;
};

class Walker {
 public:
  // `object`: the record, whose escapes are valid.
  Walker(std::string_view object, std::vector<Wanted>* wanted)
      : end_(object.data() + object.size()),
        any_escape_(object.find('\\') != std::string_view::npos),
        wanted_(wanted) {}

  const char* problem = "";

  bool Object(ondemand::object object, int depth) {
    if (depth > kMaxDepth) return Problem("nested too deep");
    for (auto&& found : object) {
      if (found.error() != simdjson::SUCCESS) return Problem("expected a key, ',' or '}'");
      // Not copied: a field is written by its parts and would be read as a whole, which waits for
      // the store buffer.
      ondemand::field&& field = std::move(found).value_unsafe();
      const char* const raw = field.key().raw();
      ondemand::value& value = field.value();
      std::string_view* keep = nullptr;
      if (depth == 0) keep = Find(raw);
      if (!Value(value, depth, keep)) return false;
    }
    return true;
  }

 private:
  bool Problem(const char* text) {
    if (*problem == '\0') problem = text;
    return false;
  }

  // `raw`: behind the key's opening quote.
  std::string_view* Find(const char* raw) {
    for (Wanted& wanted : *wanted_) {
      const std::string& name = wanted.name;
      if (name.size() >= static_cast<size_t>(end_ - raw) || raw[name.size()] != '"') continue;
      if (std::equal(name.begin(), name.end(), raw)) return &wanted.token;
    }
    if (!any_escape_) return nullptr;
    const std::string_view key = KeyText(raw);
    if (key.find('\\') == std::string_view::npos) return nullptr;
    const std::string plain = UnescapeJsonString('"' + std::string(key) + '"');
    for (Wanted& wanted : *wanted_) {
      if (wanted.name == plain) return &wanted.token;
    }
    return nullptr;
  }

  bool Value(ondemand::value& value, int depth, std::string_view* keep) {
    const std::string_view token = TrimEnd(value.raw_json_token());
    if (token.empty()) return Problem("expected a value");
    if (token[0] == '{') {
      ondemand::object object;
      if (value.get_object().get(object) != simdjson::SUCCESS) return Problem("a broken object");
      if (keep != nullptr && !Keep(object, keep)) return Problem("a broken object");
      return Object(object, depth + 1);
    }
    if (token[0] == '[') return Array(value, depth + 1, keep);
    if (token[0] == '"') {
      if (!IsString(token)) return Problem("a value that is no JSON value");
      // Must be consumed: a string that is skipped would be taken for a key when a colon follows
      // it.
      if (value.get_raw_json_string().error() != simdjson::SUCCESS)
        return Problem("a broken string");
    } else if (!IsLiteral(token)) {
      return Problem("a value that is no JSON value");
    }
    if (keep != nullptr) *keep = token;
    return true;
  }

  // The text of an object or array that is wanted, before it is walked.
  template <typename Container>
  static bool Keep(Container& container, std::string_view* keep) {
    bool any = false;
    return container.raw_json().get(*keep) == simdjson::SUCCESS &&
           container.reset().get(any) == simdjson::SUCCESS;
  }

  bool Array(ondemand::value& value, int depth, std::string_view* keep) {
    if (depth > kMaxDepth) return Problem("nested too deep");
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return Problem("a broken array");
    if (keep != nullptr && !Keep(array, keep)) return Problem("a broken array");
    for (auto&& found : array) {
      if (found.error() != simdjson::SUCCESS) return Problem("expected a value, ',' or ']'");
      // The overload for rvalues is the one that is not const; nothing is moved.
      // NOLINTNEXTLINE(performance-move-const-arg)
      ondemand::value&& element = std::move(found).value_unsafe();
      if (!Value(element, depth, nullptr)) return false;
    }
    return true;
  }

  const char* const end_;
  const bool any_escape_;
  std::vector<Wanted>* const wanted_;
};

Status NotAnObject(std::string_view object) {
  return Fail(
      ErrorKind::kPermanent, "not_an_object",
      "a record must be a JSON object, and this begins with " + std::string(object.substr(0, 1)));
}

}  // namespace

struct RecordParser::Impl {
  ondemand::parser parser;
  // Each name once: the cursor may be part of the key.
  std::vector<Wanted> wanted;
  std::optional<size_t> cursor;  // Its place in `wanted`.
  std::vector<size_t> key;       // The primary key in its order.
  std::string composite;

  Status Reserve(size_t bytes) {
    if (parser.capacity() >= bytes) return {};
    const size_t capacity = std::max<size_t>(bytes * 2, 64 << 10);
    if (parser.allocate(capacity) != simdjson::SUCCESS) {
      return Fail(ErrorKind::kTransient, "out_of_memory",
                  "no memory to parse a record of " + std::to_string(bytes) + " bytes");
    }
    return {};
  }

  Status Walk(std::string_view object) {
    BIZOND_RETURN_IF_ERROR(Reserve(object.size()));
    for (Wanted& field : wanted) field.token = {};
    ondemand::document document;
    const simdjson::padded_string_view padded(object.data(), object.size(),
                                              object.size() + RecordBatch::kPadding);
    const auto indexed = parser.iterate(padded).get(document);
    if (indexed == simdjson::UTF8_ERROR) {
      return Fail(ErrorKind::kPermanent, "bad_utf8", "not valid UTF-8");
    }
    if (indexed != simdjson::SUCCESS) return BadJson(simdjson::error_message(indexed));
    ondemand::object fields;
    if (document.get_object().get(fields) != simdjson::SUCCESS) return BadJson("a broken object");
    if (!EscapesAreValid(object)) return BadJson("an invalid escape");
    Walker walker(object, &wanted);
    if (!walker.Object(fields, 0)) return BadJson(walker.problem);
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
      return BadJson("something follows the record");
    return {};
  }

  // A key part as it stands in source_record_id when it stands alone.
  static std::string_view PlainKey(std::string_view token, RecordBatch* batch) {
    if (token[0] != '"') return token;
    const std::string_view inside = token.substr(1, token.size() - 2);
    if (inside.find('\\') == std::string_view::npos) return inside;
    const std::string plain = UnescapeJsonString(token);
    // A lone surrogate has no form in UTF-8: such a key stays as it was written.
    return simdjson::validate_utf8(plain) ? batch->Store(plain) : inside;
  }

  void FillKey(Record* record, RecordBatch* batch) {
    if (key.empty()) return;
    for (const size_t part : key) {
      if (wanted[part].token.empty() || wanted[part].token == "null") return;
    }
    record->has_key = true;
    if (key.size() == 1) {
      record->key = PlainKey(wanted[key[0]].token, batch);
      return;
    }
    composite.clear();
    for (const size_t part : key) {
      composite += composite.empty() ? '[' : ',';
      composite += wanted[part].token;
    }
    composite += ']';
    record->key = batch->Store(composite);
  }

  size_t Want(std::string name) {
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i].name == name) return i;
    }
    wanted.push_back({std::move(name), {}});
    return wanted.size() - 1;
  }
};

RecordParser::RecordParser(std::string cursor_field, std::vector<std::string> primary_key)
    : impl_(std::make_unique<Impl>()) {
  if (!cursor_field.empty()) impl_->cursor = impl_->Want(std::move(cursor_field));
  for (std::string& name : primary_key) impl_->key.push_back(impl_->Want(std::move(name)));
}

RecordParser::~RecordParser() = default;

Status RecordParser::Add(std::string_view object, uint32_t position, RecordBatch* batch) {
  object = Trim(object);
  if (object.empty()) return BadJson("nothing but white space");
  if (object[0] != '{') return NotAnObject(object);
  BIZOND_RETURN_IF_ERROR(impl_->Walk(object));
  Record record;
  record.data = object;
  record.position = position;
  if (impl_->cursor) record.cursor = impl_->wanted[*impl_->cursor].token;
  impl_->FillKey(&record, batch);
  // A line end can only be white space between tokens here; a record is one line everywhere else.
  if (object.find('\n') != std::string_view::npos || object.find('\r') != std::string_view::npos) {
    std::string line(object);
    for (char& c : line) {
      if (c == '\n' || c == '\r') c = ' ';
    }
    record.data = batch->Store(line);
  }
  batch->records().push_back(record);
  return {};
}

}  // namespace bizond
