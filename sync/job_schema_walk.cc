// The walk of CheckJobSchema: the keywords that schemas of jobs use, each with its own words.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/time.h"
#include "sync/job_schema.h"
#include "sync/job_schema_check.h"
#include "sync/secret_names.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr size_t kProblems = 100;
constexpr int kNesting = 200;  // Of schemas in schemas.
constexpr size_t kPatternBytes = 2048;

struct JsonTypeName {
  std::string_view name;
  bool (json::*is)() const noexcept;
  std::string_view words;
};
constexpr JsonTypeName kTypes[] = {
    {"string", &json::is_string, "text"},
    {"integer", &json::is_number_integer, "a whole number"},
    {"number", &json::is_number, "a number"},
    {"boolean", &json::is_boolean, "true or false"},
    {"array", &json::is_array, "a list"},
    {"object", &json::is_object, "a mapping"},
    {"null", &json::is_null, "nothing"},
};

std::string TypeWords(std::string_view name) {
  for (const JsonTypeName& type : kTypes) {
    if (type.name == name) return std::string(type.words);
  }
  return std::string(name);
}

bool IsOfType(const json& value, std::string_view name) {
  for (const JsonTypeName& type : kTypes) {
    if (type.name == name) return (value.*type.is)();
  }
  return true;
}

std::string Joined(const std::vector<std::string>& words, std::string_view last) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? fmt::format(" {} ", last) : ", ";
    text += words[i];
  }
  return text;
}

// Length in characters: continuation bytes are not counted.
size_t Characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

class Walk {
 public:
  Walk(const json& root, SchemaFindings* findings) : root_(root), findings_(findings) {}

  void Check(const json& schema, const json& value, bool hushed);

 private:
  void Report(std::string message, std::string remedy, bool at_key = false) {
    if (findings_->problems.size() >= kProblems) return;
    findings_->problems.push_back({path_, at_key, std::move(message), std::move(remedy)});
  }
  // What stands there, or only its type where it may be a secret.
  std::string Found(const json& value) const {
    if (value.is_string() && !hushed_) {
      return fmt::format("the text {}", QuoteForMessage(value.get_ref<const std::string&>()));
    }
    if (value.is_string()) return "a text";
    if (value.is_boolean() && !hushed_) return value.get<bool>() ? "true" : "false";
    if (value.is_boolean()) return "true or false";
    if (value.is_number()) return hushed_ ? "a number" : fmt::format("the number {}", value.dump());
    if (value.is_null()) return "nothing";
    return value.is_array() ? "a list" : "a mapping";
  }

  bool CheckType(const json& schema, const json& value);
  void CheckChoice(const json& schema, const json& value);
  void CheckText(const json& schema, const std::string& text);
  void CheckNumber(const json& schema, const json& value);
  void CheckList(const json& schema, const json& value);
  void CheckMap(const json& schema, const json& value);
  void CheckUnknown(const json& schema, const json& value);
  void CheckCombined(const json& schema, const json& value);
  void CheckAnyOf(const json& choices, const json& value, std::string_view format);
  bool CheckDuration(const json& value);
  bool Accepts(const json& schema, const json& value) const;
  // The alternative whose type the value has, if it is the only one.
  const json* OnlyOfItsType(const json& choices, const json& value) const;

  const json& root_;
  SchemaFindings* findings_;
  JobPath path_;
  bool hushed_ = false;
  int nesting_ = 0;
};

void Walk::Check(const json& outer, const json& value, bool hushed) {
  if (nesting_ >= kNesting || !outer.is_object()) return;
  const json& schema = FollowReference(root_, outer);
  if (!schema.is_object()) return;
  auto is_secret = [](const json& s) { return s.value("writeOnly", false); };
  bool secret = is_secret(schema) || is_secret(outer);
  bool hushed_before = std::exchange(hushed_, hushed || secret);
  ++nesting_;
  if (secret && value.is_string()) findings_->secrets.push_back(path_);
  if (schema.value("x-freeForm", false)) FindSecretTexts(value, path_, &findings_->secrets);
  if (CheckType(schema, value)) {
    std::string format = schema.value("format", "");
    size_t before = findings_->problems.size();
    if (format != "duration" || CheckDuration(value)) CheckCombined(schema, value);
    if (findings_->problems.size() == before) CheckChoice(schema, value);
    if (value.is_string()) CheckText(schema, value.get_ref<const std::string&>());
    if (value.is_number()) CheckNumber(schema, value);
    if (value.is_array()) CheckList(schema, value);
    if (value.is_object()) CheckMap(schema, value);
  }
  --nesting_;
  hushed_ = hushed_before;
}

bool Walk::CheckType(const json& schema, const json& value) {
  auto found = schema.find("type");
  if (found == schema.end()) return true;
  std::vector<std::string> wanted;
  for (const json& name : found->is_array() ? *found : json::array({*found})) {
    if (IsOfType(value, name.get_ref<const std::string&>())) return true;
    wanted.push_back(TypeWords(name.get_ref<const std::string&>()));
  }
  std::string remedy;
  if (wanted.front() == "text" && (value.is_number() || value.is_boolean())) {
    remedy = "Put it in quotes.";
  } else if (wanted.front() == "a list" && !value.is_object()) {
    remedy = "Put it in brackets, as in [a, b].";
  } else if (value.is_string() && wanted.front() != "a mapping") {
    remedy = "Write it without quotes.";
  }
  Report(fmt::format("expected {}, found {}", Joined(wanted, "or"), Found(value)), remedy);
  return false;
}

bool Walk::CheckDuration(const json& value) {
  if (value.is_number() && value.get<double>() >= 0) return true;
  if (value.is_string() && ParseDuration(value.get_ref<const std::string&>())) return true;
  Report(fmt::format("expected a duration, found {}", Found(value)),
         "Write it as 90s, 10m or 1h30m, or as a number of seconds.");
  return false;
}

void Walk::CheckChoice(const json& schema, const json& value) {
  auto constant = schema.find("const");
  if (constant != schema.end() && *constant != value) {
    Report(fmt::format("expected {}, found {}", constant->dump(), Found(value)), "");
  }
  auto found = schema.find("enum");
  if (found == schema.end() || std::find(found->begin(), found->end(), value) != found->end())
    return;
  std::vector<std::string> names;
  for (const json& name : *found)
    names.push_back(name.is_string() ? name.get<std::string>() : name.dump());
  std::string remedy;
  if (value.is_string() && !hushed_) {
    auto nearest = NearestNames(value.get_ref<const std::string&>(), names);
    if (!nearest.empty()) remedy = fmt::format("Did you mean {}?", Joined(nearest, "or"));
  }
  Report(fmt::format("expected {}, found {}", Joined(names, "or"), Found(value)), remedy);
}

void Walk::CheckText(const json& schema, const std::string& text) {
  auto least = schema.find("minLength");
  auto most = schema.find("maxLength");
  size_t length = Characters(text);
  if (least != schema.end() && length < least->get<size_t>()) {
    Report(length == 0 ? "must not be empty"
                       : fmt::format("must have at least {} characters", least->get<size_t>()),
           "");
  }
  if (most != schema.end() && length > most->get<size_t>()) {
    Report(fmt::format("has {} characters, more than {}", length, most->get<size_t>()),
           "Shorten it.");
  }
  auto pattern = schema.find("pattern");
  if (pattern == schema.end()) return;
  const auto& expression = pattern->get_ref<const std::string&>();
  if (text.size() > kPatternBytes) {
    Report(fmt::format("has {} bytes, more than {}", text.size(), kPatternBytes), "Shorten it.");
  } else if (!std::regex_search(text, std::regex(expression, std::regex::ECMAScript))) {
    Report(fmt::format("expected a text of the form {}, found {}", expression, Found(text)), "");
  }
}

void Walk::CheckNumber(const json& schema, const json& value) {
  struct Bound {
    const char* keyword;
    bool (*broken)(const json& value, const json& bound);
    std::string_view words;
  };
  static constexpr Bound kBounds[] = {
      {"minimum", [](const json& v, const json& b) { return v < b; }, "at least"},
      {"maximum", [](const json& v, const json& b) { return v > b; }, "at most"},
      {"exclusiveMinimum", [](const json& v, const json& b) { return v <= b; }, "more than"},
      {"exclusiveMaximum", [](const json& v, const json& b) { return v >= b; }, "less than"},
  };
  for (const Bound& bound : kBounds) {
    auto limit = schema.find(bound.keyword);
    if (limit != schema.end() && limit->is_number() && bound.broken(value, *limit)) {
      Report(fmt::format("must be {} {}, found {}", bound.words, limit->dump(), Found(value)), "");
    }
  }
}

void Walk::CheckList(const json& schema, const json& value) {
  auto least = schema.find("minItems");
  auto most = schema.find("maxItems");
  if (least != schema.end() && value.size() < least->get<size_t>()) {
    Report(fmt::format("must have at least {} item{}", least->dump(), *least == 1 ? "" : "s"), "");
  }
  if (most != schema.end() && value.size() > most->get<size_t>()) {
    Report(fmt::format("has {} items, more than {}", value.size(), most->dump()), "Split the job.");
    return;
  }
  auto items = schema.find("items");
  bool unique = schema.value("uniqueItems", false);
  std::map<json, int> seen;
  for (size_t i = 0; i < value.size(); ++i) {
    path_.push_back({"", static_cast<int>(i)});
    if (unique) {
      auto [first, fresh] = seen.emplace(value[i], static_cast<int>(i));
      if (!fresh) {
        Report(fmt::format("{} is there twice", hushed_ ? "the item" : Found(value[i])),
               "Remove one.");
      }
    }
    if (items != schema.end() && items->is_object()) Check(*items, value[i], hushed_);
    path_.pop_back();
  }
}

void Walk::CheckMap(const json& schema, const json& value) {
  static const json kNone = json::object();
  auto found = schema.find("properties");
  const json& properties = found == schema.end() ? kNone : *found;
  if (value.size() < schema.value("minProperties", size_t{0})) {
    Report("must not be empty", "Remove it, or fill it in.");
  }
  auto required = schema.find("required");
  if (required != schema.end()) {
    for (const json& name : *required) {
      const auto& key = name.get_ref<const std::string&>();
      if (value.contains(key)) continue;
      path_.push_back({key});
      auto property = properties.find(key);
      std::string about = property == properties.end() ? "" : property->value("description", "");
      Report(fmt::format("{} is missing", key),
             about.empty() ? fmt::format("Add {}.", key) : fmt::format("Add {}: {}", key, about),
             true);
      path_.pop_back();
    }
  }
  for (const auto& [key, item] : value.items()) {
    auto property = properties.find(key);
    if (property == properties.end()) continue;
    path_.push_back({key});
    Check(*property, item, hushed_ || key == "authentication");
    path_.pop_back();
  }
  CheckUnknown(schema, value);
}

void Walk::CheckUnknown(const json& schema, const json& value) {
  auto additional = schema.find("additionalProperties");
  if (additional == schema.end() || schema.contains("patternProperties")) return;
  std::vector<std::string> known;
  auto properties = schema.find("properties");
  if (properties != schema.end()) {
    for (const auto& [name, property] : properties->items()) known.push_back(name);
  }
  for (const auto& [key, item] : value.items()) {
    if (properties != schema.end() && properties->contains(key)) continue;
    path_.push_back({key});
    if (additional->is_object()) Check(*additional, item, hushed_);
    if (*additional == json(false)) {
      auto nearest = NearestNames(key, known);
      std::string remedy = nearest.empty()
                               ? fmt::format("Known here: {}.", Joined(known, "and"))
                               : fmt::format("Did you mean {}? Known here: {}.",
                                             Joined(nearest, "or"), Joined(known, "and"));
      Report(fmt::format("unknown key {}", QuoteForMessage(key)), remedy, true);
    }
    path_.pop_back();
  }
}

void Walk::CheckCombined(const json& schema, const json& value) {
  auto all = schema.find("allOf");
  if (all != schema.end()) {
    for (const json& part : *all) Check(part, value, hushed_);
  }
  for (const char* keyword : {"anyOf", "oneOf"}) {
    auto choices = schema.find(keyword);
    if (choices != schema.end()) CheckAnyOf(*choices, value, keyword);
  }
  auto condition = schema.find("if");
  if (condition != schema.end()) {
    auto branch = schema.find(Accepts(*condition, value) ? "then" : "else");
    if (branch != schema.end()) Check(*branch, value, hushed_);
  }
}

void Walk::CheckAnyOf(const json& choices, const json& value, std::string_view) {
  const json* chosen = OnlyOfItsType(choices, value);
  if (chosen != nullptr) {
    Check(*chosen, value, hushed_);
    return;
  }
  for (const json& choice : choices) {
    if (!Accepts(choice, value)) continue;
    Check(choice, value, hushed_);  // Finds the secrets in it.
    return;
  }
  std::vector<std::string> wanted;
  for (const json& choice : choices) {
    const json& schema = FollowReference(root_, choice);
    if (schema.contains("description")) {
      wanted.push_back(schema["description"].get<std::string>());
    } else if (schema.contains("type") && schema["type"].is_string()) {
      wanted.push_back(TypeWords(schema["type"].get_ref<const std::string&>()));
    } else if (schema.contains("required")) {
      std::vector<std::string> names = schema["required"];
      wanted.push_back(Joined(names, "and"));
    }
  }
  Report(fmt::format("expected {}, found {}", Joined(wanted, "or"), Found(value)), "");
}

const json* Walk::OnlyOfItsType(const json& choices, const json& value) const {
  const json* only = nullptr;
  for (const json& choice : choices) {
    const json& schema = FollowReference(root_, choice);
    auto type = schema.find("type");
    if (type == schema.end() || !type->is_string()) return nullptr;
    if (!IsOfType(value, type->get_ref<const std::string&>())) continue;
    if (only != nullptr) return nullptr;
    only = &choice;
  }
  return only;
}

bool Walk::Accepts(const json& schema, const json& value) const {
  SchemaFindings findings;
  Walk walk(root_, &findings);
  walk.nesting_ = nesting_ + 1;
  walk.Check(schema, value, true);
  return findings.problems.empty();
}

}  // namespace

SchemaFindings WalkSchema(const json& schema, const json& document) {
  SchemaFindings findings;
  Walk(schema, &findings).Check(schema, document, false);
  return findings;
}

}  // namespace bizond
