#include "destinations/object_fields.h"

#include <algorithm>

namespace bizond {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Behind the closing quote of the string that begins at `at`.
size_t StringEnd(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return text.size();
}

}  // namespace

ObjectFields::ObjectFields(std::string_view object) : text_(object) {
  SkipSpace();
  if (at_ < text_.size() && text_[at_] == '{') ++at_;
}

void ObjectFields::SkipSpace() {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
}

size_t ObjectFields::TokenEnd(size_t at) const {
  if (at >= text_.size()) return at;
  if (text_[at] == '"') return StringEnd(text_, at);
  if (text_[at] != '{' && text_[at] != '[') {
    while (at < text_.size() && text_[at] != ',' && text_[at] != '}' && !IsSpace(text_[at])) ++at;
    return at;
  }
  size_t depth = 0;
  while (at < text_.size()) {
    const char c = text_[at];
    if (c == '"') {
      at = StringEnd(text_, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
  return at;
}

bool ObjectFields::Next(ObjectField* field) {
  SkipSpace();
  if (at_ < text_.size() && text_[at_] == ',') {
    ++at_;
    SkipSpace();
  }
  if (at_ >= text_.size() || text_[at_] != '"') return false;
  const size_t key_end = std::min(StringEnd(text_, at_), text_.size());
  if (key_end - at_ < 2) return false;
  field->key = text_.substr(at_ + 1, key_end - at_ - 2);
  at_ = key_end;
  SkipSpace();
  if (at_ < text_.size() && text_[at_] == ':') ++at_;
  SkipSpace();
  const size_t end = TokenEnd(at_);
  field->value = text_.substr(at_, end - at_);
  at_ = end;
  return true;
}

}  // namespace bizond
