#include "tests/tidy/source_text.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <regex>
#include <utility>

namespace bizond::tidy {
namespace {

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Walks the text once and blanks what is not code; newlines stay where they are.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text), out_(text) {}

  std::string Run() {
    while (at_ < text_.size()) {
      if (Starts("//")) {
        BlankTo(text_.find('\n', at_));
      } else if (Starts("/*")) {
        BlankPast("*/", 2);
      } else if (text_[at_] == '"' && at_ > 0 && text_[at_ - 1] == 'R') {
        const size_t open = text_.find('(', at_);
        if (open == std::string_view::npos) return out_;
        BlankPast(")" + std::string(text_.substr(at_ + 1, open - at_ - 1)) + "\"", 1);
      } else if (text_[at_] == '"' || IsCharacterQuote()) {
        BlankQuoted(text_[at_]);
      } else if (text_[at_] == '#' && OpensLine()) {
        BlankDirective();
      } else {
        ++at_;
      }
    }
    return out_;
  }

 private:
  bool Starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  // Not the separator of 1'000.
  bool IsCharacterQuote() const {
    return text_[at_] == '\'' &&
           (at_ == 0 || std::isxdigit(static_cast<unsigned char>(text_[at_ - 1])) == 0);
  }

  bool OpensLine() const {
    const size_t last = text_.substr(0, at_).find_last_not_of(" \t");
    return last == std::string_view::npos || text_[last] == '\n';
  }

  void BlankTo(size_t end) {
    for (end = std::min(end, text_.size()); at_ < end; ++at_) {
      if (text_[at_] != '\n') out_[at_] = ' ';
    }
  }

  void BlankPast(const std::string& close, size_t skip) {
    const size_t found = text_.find(close, at_ + skip);
    BlankTo(found == std::string_view::npos ? found : found + close.size());
  }

  void BlankQuoted(char quote) {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    BlankTo(end + 1);
  }

  void BlankDirective() {
    size_t end = text_.find('\n', at_);
    while (end != std::string_view::npos && text_[end - 1] == '\\') end = text_.find('\n', end + 1);
    BlankTo(end);
  }

  const std::string_view text_;
  std::string out_;
  size_t at_ = 0;
};

bool IsAccessLabel(const std::string& declaration) {
  return declaration == "public:" || declaration == "protected:" || declaration == "private:";
}

// What a brace opens, judged by the declaration before it.
enum class Brace { kContainer, kFunction, kOther };

Brace Classify(const std::string& declaration) {
  static const std::regex kContainer(
      R"(^\s*(template\s*<[^{}]*>\s*)?(inline\s+)?(namespace|class|struct|union|enum|extern)\b)");
  static const std::regex kTemplate(R"(^\s*template\s*<[^()]*>\s*)");
  static const std::regex kInitializer(R"(^[^(]*[^=!<>(]=[^=])");
  if (!declaration.empty() && (IsWord(declaration.back()) || declaration.back() == '>')) {
    return Brace::kOther;  // `member_{1}`: no space before the brace.
  }
  const bool has_parameters = declaration.find('(') != std::string::npos;
  if (std::regex_search(declaration, kContainer) && !declaration.ends_with(") ")) {
    return Brace::kContainer;
  }
  const std::string bare = std::regex_replace(declaration, kTemplate, "");
  if (!has_parameters) return Brace::kOther;
  if (bare.find("operator") == std::string::npos && std::regex_search(bare, kInitializer)) {
    return Brace::kOther;
  }
  return Brace::kFunction;
}

// What a brace at the level of namespaces opens: the namespace's or the class's name; nullopt:
// something else, or an unnamed one.
std::optional<std::string> NamespaceOf(const std::string& declaration) {
  if (declaration.find("namespace") == std::string::npos) return std::nullopt;
  static const std::regex kNamespace(R"(^\s*(inline\s+)?namespace\s+([\w:]+)\s*$)");
  std::smatch match;
  if (!std::regex_match(declaration, match, kNamespace)) return std::nullopt;
  return match[2].str();
}

std::optional<std::string> ClassOf(const std::string& declaration) {
  // Most declarations are none, and the pattern takes its time.
  const std::string_view text =
      std::string_view(declaration)
          .substr(std::min(declaration.find_first_not_of(' '), declaration.size()));
  constexpr std::string_view kBegins[] = {"template", "class", "struct", "union", "enum"};
  if (std::none_of(std::begin(kBegins), std::end(kBegins),
                   [&](std::string_view word) { return text.starts_with(word); })) {
    return std::nullopt;
  }
  static const std::regex kClass(
      R"(^\s*(template\s*<.*?>\s*)?(class|struct|union|enum(\s+(class|struct))?)\s+)"
      R"((\[\[.*?\]\]\s*)?(\w+)\s*(final\s*)?(:[^:].*)?$)");
  std::smatch match;
  if (!std::regex_match(declaration, match, kClass)) return std::nullopt;
  return match[6].str();
}

}  // namespace

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

SourceText SourceText::Parse(std::string path, std::string_view text) {
  return {std::move(path), SplitLines(text), SplitLines(Blanker(text).Run())};
}

std::vector<FunctionSpan> FindFunctions(const SourceText& source) {
  std::vector<FunctionSpan> found;
  std::vector<Brace> open;
  std::string declaration;  // Since the last end of one, outside of functions.
  int first_line = 0;       // Of `declaration`, while it has a word.
  int functions = 0;        // How many of `open` are functions or inside of one.
  int parentheses = 0;
  for (size_t i = 0; i < source.code.size(); ++i) {
    const int line = static_cast<int>(i) + 1;
    for (const char c : source.code[i]) {
      parentheses += c == '(' ? 1 : c == ')' ? -1 : 0;
      if (c == '{') {
        const bool nested = functions > 0 || parentheses > 0;
        const Brace kind = nested ? Brace::kOther : Classify(declaration);
        functions += (functions > 0 || kind == Brace::kFunction) ? 1 : 0;
        open.push_back(kind);
        if (kind == Brace::kContainer) declaration.clear();
      } else if (c == '}' && !open.empty()) {
        if (open.back() == Brace::kFunction) found.push_back({first_line, line});
        if (open.back() != Brace::kOther) declaration.clear();
        functions -= functions > 0 ? 1 : 0;
        open.pop_back();
      } else if (functions == 0 && c == ';' && parentheses == 0) {
        declaration.clear();
      } else if (functions == 0) {
        if (declaration.empty() && std::isspace(static_cast<unsigned char>(c)) != 0) continue;
        if (declaration.empty()) first_line = line;
        declaration += c;
        if (IsAccessLabel(declaration)) declaration.clear();
      }
    }
    if (functions == 0 && !declaration.empty()) declaration += ' ';
  }
  return found;
}

std::vector<ClassDefinition> FindSharedClasses(const SourceText& source) {
  std::vector<ClassDefinition> found;
  std::vector<size_t> open;  // Of each brace: how much of `scope` is around it.
  std::string scope;         // "bizond::tidy::"
  size_t closed = 0;         // How many of `open` are within one that is no named namespace.
  std::string declaration;   // Since the last end of one.
  for (size_t i = 0; i < source.code.size(); ++i) {
    for (const char c : source.code[i] + " ") {
      if (c == '{') {
        open.push_back(scope.size());
        const auto space = closed == 0 ? NamespaceOf(declaration) : std::nullopt;
        const auto defined = closed == 0 ? ClassOf(declaration) : std::nullopt;
        if (defined) found.push_back({scope + *defined, static_cast<int>(i) + 1});
        if (space) scope += *space + "::";
        closed += space ? 0 : 1;
      } else if (c == '}' && !open.empty()) {
        scope.resize(open.back());
        open.pop_back();
        closed -= closed > 0 ? 1 : 0;
      }
      if (c == '{' || c == '}' || c == ';') {
        declaration.clear();
      } else if (closed == 0) {
        declaration += c;
      }
    }
  }
  return found;
}

}  // namespace bizond::tidy
