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

size_t SkipSpace(std::string_view text, size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

// Behind the comma between two members, where there is one.
size_t SkipComma(std::string_view text, size_t at) {
  at = SkipSpace(text, at);
  return at < text.size() && text[at] == ',' ? SkipSpace(text, at + 1) : at;
}

// The index behind the token that begins at `at`.
size_t TokenEnd(std::string_view text, size_t at) {
  if (at >= text.size()) return at;
  if (text[at] == '"') return StringEnd(text, at);
  if (text[at] != '{' && text[at] != '[') {
    while (at < text.size() && text[at] != ',' && text[at] != '}' && text[at] != ']' &&
           !IsSpace(text[at])) {
      ++at;
    }
    return at;
  }
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = StringEnd(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
  return at;
}

}  // namespace

ObjectFields::ObjectFields(std::string_view object) : text_(object) {
  at_ = SkipSpace(text_, at_);
  if (at_ < text_.size() && text_[at_] == '{') ++at_;
}

bool ObjectFields::Next(ObjectField* field) {
  at_ = SkipComma(text_, at_);
  if (at_ >= text_.size() || text_[at_] != '"') return false;
  const size_t key_end = std::min(StringEnd(text_, at_), text_.size());
  if (key_end - at_ < 2) return false;
  field->key = text_.substr(at_ + 1, key_end - at_ - 2);
  at_ = SkipSpace(text_, key_end);
  if (at_ < text_.size() && text_[at_] == ':') ++at_;
  at_ = SkipSpace(text_, at_);
  const size_t end = TokenEnd(text_, at_);
  field->value = text_.substr(at_, end - at_);
  at_ = end;
  return true;
}

ArrayElements::ArrayElements(std::string_view array) : text_(array) {
  at_ = SkipSpace(text_, at_);
  if (at_ < text_.size() && text_[at_] == '[') ++at_;
}

bool ArrayElements::Next(std::string_view* element) {
  at_ = SkipComma(text_, at_);
  const size_t end = TokenEnd(text_, at_);
  if (end == at_) return false;
  *element = text_.substr(at_, end - at_);
  at_ = end;
  return true;
}

}  // namespace bizond
