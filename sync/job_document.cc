#include "sync/job_document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>
#include <streambuf>

#include "sync/job_document_builder.h"
#include "sync/job_document_scalar.h"
#include "sync/job_document_text.h"

namespace bizond {
namespace {

constexpr std::string_view kYamlTagPrefix = "tag:yaml.org,2002:";

// nlohmann's events say nothing of places: the reader walks over the same text beside it. What it
// walks over was accepted already, so that it only has to find where each token ends.
class JsonReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonReader(std::string_view text, const TextPositions& positions, DocumentBuilder* builder)
      : text_(text), positions_(positions), builder_(builder) {}

  bool null() override { return Scalar(nlohmann::json()); }
  bool boolean(bool value) override { return Scalar(value); }
  bool number_integer(number_integer_t value) override { return Scalar(value); }
  bool number_unsigned(number_unsigned_t value) override { return Scalar(value); }
  bool number_float(number_float_t, const string_t& digits) override {
    nlohmann::json value;
    std::string wrong = ResolveJsonNumber(digits, &value);
    if (!wrong.empty()) {
      builder_->Refuse(Next(), std::move(wrong), "Write it in quotes if text will do.");
    }
    return Scalar(std::move(value));
  }
  bool string(string_t& value) override { return Scalar(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Open(true); }
  bool start_array(size_t) override { return Open(false); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(string_t& value) override {
    Position at = Next();
    SkipToken();
    builder_->Key(value, at, false);
    return true;
  }
  bool parse_error(size_t offset, const std::string&, const nlohmann::detail::exception&) override {
    error_offset_ = offset == 0 ? 0 : offset - 1;
    return false;
  }
  size_t error_offset() const { return error_offset_; }

 private:
  Position Next() {
    offset_ = std::min(text_.find_first_not_of(" \t\r\n,:", offset_), text_.size());
    return positions_.At(offset_);
  }
  void SkipToken() {
    if (text_[offset_] == '"') {
      for (++offset_; text_[offset_] != '"'; ++offset_) {
        if (text_[offset_] == '\\') ++offset_;
      }
      ++offset_;
      return;
    }
    offset_ = std::min(text_.find_first_of(" \t\r\n,:]}", offset_), text_.size());
  }
  bool Scalar(nlohmann::json value) {
    Position at = Next();
    size_t begin = offset_;
    SkipToken();
    builder_->Value(std::move(value), offset_ - begin, at);
    return true;
  }
  bool Open(bool map) {
    Position at = Next();
    ++offset_;
    map ? builder_->StartMap(at) : builder_->StartList(at);
    return true;
  }
  bool Close() {
    Next();
    ++offset_;
    builder_->End();
    return true;
  }

  std::string_view text_;
  const TextPositions& positions_;
  DocumentBuilder* builder_;
  size_t offset_ = 0;
  size_t error_offset_ = 0;
};

class YamlReader : public YAML::EventHandler {
 public:
  YamlReader(const TextPositions& positions, DocumentBuilder* builder)
      : positions_(positions), builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    builder_->Refuse(At(mark), "a second document begins here; a text holds one job",
                     "Put each job into a file of its own.");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (builder_->ExpectsKey()) {
      builder_->Refuse(At(mark), "a key is missing", "Write a word before the colon.");
    }
    builder_->Value(nlohmann::json(), 1, At(mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder_->Alias(anchor, At(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Position at = At(mark);
    if (builder_->ExpectsKey()) {
      CheckTag(at, tag, {"str", "int", "float", "bool", "null"});
      builder_->Key(text, at, tag == "?");
      return;
    }
    nlohmann::json value = text;
    if (CheckTag(at, tag, {"str", "int", "float", "bool", "null"}) != "str") {
      std::string wrong = ResolvePlainScalar(text, &value);
      if (!wrong.empty()) {
        builder_->Refuse(at, std::move(wrong), "Write it in quotes if text will do.");
      }
    }
    builder_->Value(std::move(value), text.size() + 1, at, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    CheckTag(At(mark), tag, {"seq"});
    builder_->StartList(At(mark), anchor);
  }
  void OnSequenceEnd() override { builder_->End(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    CheckTag(At(mark), tag, {"map"});
    builder_->StartMap(At(mark), anchor);
  }
  void OnMapEnd() override { builder_->End(); }

 private:
  Position At(const YAML::Mark& mark) const { return positions_.OfYaml(mark.line, mark.column); }

  // "?" is a plain scalar or an untagged collection, "!" a quoted one; a tag of yaml.org says it
  // again.
  std::string_view CheckTag(Position at, std::string_view tag,
                            std::initializer_list<std::string_view> allowed) {
    if (tag == "!") return "str";
    if (tag == "?" || tag.empty()) return "";
    std::string_view name = tag;
    if (name.starts_with(kYamlTagPrefix)) {
      name.remove_prefix(kYamlTagPrefix.size());
      if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) {
        return name == "str" ? name : "";
      }
    }
    builder_->Refuse(at, fmt::format("the YAML tag {} is not taken here", QuoteForMessage(tag)),
                     "Remove the tag.");
  }

  const TextPositions& positions_;
  DocumentBuilder* builder_;
  int documents_ = 0;
};

class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // Only ever read from.
    setg(begin, begin, begin + text.size());
  }
};

void ReadYaml(std::string_view text, const TextPositions& positions, DocumentBuilder* builder) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  YamlReader reader(positions, builder);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(reader)) {
    }
  } catch (const YAML::Exception& error) {
    YamlProblem problem = ExplainYaml(error.msg);
    builder->Refuse(positions.OfYaml(error.mark.line, error.mark.column),
                    std::move(problem.message), std::move(problem.remedy));
  }
  if (!builder->done()) {
    builder->Refuse({1, 1}, "the text is empty",
                    "A job has at least name, source and destination.");
  }
}

bool ReadJson(std::string_view text, const TextPositions& positions, DocumentBuilder* builder,
              size_t* error_offset) {
  JsonReader reader(text, positions, builder);
  bool read = nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  *error_offset = reader.error_offset();
  return read;
}

}  // namespace

std::unique_ptr<JobDocument> JobDocument::Parse(std::string_view text,
                                                std::vector<JobIssue>* issues) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (std::optional<JobIssue> wrong = CheckJobText(text)) {
    issues->push_back(std::move(*wrong));
    return nullptr;
  }
  TextPositions positions(text);
  DocumentBuilder builder(issues);
  try {
    bool read = false;
    size_t start = text.find_first_not_of(" \t\r\n");
    if (start != text.npos && text[start] == '{') {
      std::vector<JobIssue> json_issues;
      DocumentBuilder json_builder(&json_issues);
      size_t error_offset = 0;
      try {
        read = ReadJson(text, positions, &json_builder, &error_offset);
      } catch (const DocumentRefused&) {
        issues->insert(issues->end(), json_issues.begin(), json_issues.end());
        return nullptr;
      }
      if (read) {
        issues->insert(issues->end(), json_issues.begin(), json_issues.end());
        builder = std::move(json_builder);
      }
      // Else it may be YAML that begins with a brace.
    }
    if (!read) ReadYaml(text, positions, &builder);
  } catch (const DocumentRefused&) {
    return nullptr;
  }
  // NOLINTNEXTLINE(modernize-make-unique): the constructor is private.
  auto document = std::unique_ptr<JobDocument>(new JobDocument());
  document->value_ = std::make_shared<nlohmann::json>(builder.TakeValue());
  document->marks_ = builder.TakeMarks();
  return document;
}

Position JobDocument::ValueAt(const JobPath& path) const { return Find(path, false); }
Position JobDocument::KeyAt(const JobPath& path) const { return Find(path, true); }

Position JobDocument::Find(const JobPath& path, bool key) const {
  const MarkNode* node = &marks_;
  bool exact = true;
  for (const PathStep& step : path) {
    size_t at =
        step.index >= 0
            ? static_cast<size_t>(step.index)
            : static_cast<size_t>(std::find(node->names.begin(), node->names.end(), step.key) -
                                  node->names.begin());
    if (at >= node->children.size()) {
      exact = false;
      break;
    }
    node = &node->children[at];
  }
  if ((key || !exact) && node->key.line != 0) return node->key;
  return node->value;
}

}  // namespace bizond
