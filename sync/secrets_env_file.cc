// ReadEnvFile: KEY=VALUE lines as shells and Docker have them.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/fs.h"
#include "base/text.h"
#include "sync/secrets.h"

namespace bizond {
namespace {

constexpr uint64_t kEnvFileBytesMost = 1 << 20;
constexpr std::string_view kExport = "export ";

bool IsName(std::string_view name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

char Unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    default:
      return c;
  }
}

class EnvFileReader {
 public:
  EnvFileReader(std::string path, std::string text)
      : path_(std::move(path)), text_(std::move(text)) {}

  Result<std::map<std::string, std::string>> Read() {
    std::map<std::string, std::string> variables;
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    while (at_ < text_.size()) {
      ++line_;
      size_t end = std::min(text_.find('\n', at_), text_.size());
      std::string_view line = Trim(std::string_view(text_).substr(at_, end - at_), " \t");
      if (line.ends_with('\r')) line = Trim(line.substr(0, line.size() - 1), " \t");
      if (line.empty() || line[0] == '#') {
        at_ = end + 1;
        continue;
      }
      if (line.starts_with(kExport)) line = Trim(line.substr(kExport.size()), " \t");
      size_t equals = line.find('=');
      if (equals == line.npos) return Bad("expected KEY=VALUE");
      std::string_view name = Trim(line.substr(0, equals), " \t");
      if (!IsName(name)) return Bad("the name before = is not one of a variable");
      std::string key(name);
      at_ = text_.find('=', at_) + 1;
      BIZOND_ASSIGN_OR_RETURN(variables[key], Value());
    }
    return variables;
  }

 private:
  // The content is never told: a line that does not read may hold a secret.
  Failure Bad(std::string_view what) const {
    return Fail(ErrorKind::kConfig, "bad_env_file", fmt::format("{}:{}: {}", path_, line_, what),
                "Correct the line; each is KEY=VALUE, KEY=\"VALUE\" or a # comment.");
  }

  // From behind the = to the end of the line, or of the quotes, which may span lines.
  Result<std::string> Value() {
    const size_t begin = at_;
    at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size());
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) return Quoted();
    size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view value = std::string_view(text_).substr(at_, end - at_);
    if (value.ends_with('\r')) value.remove_suffix(1);
    // A # begins a comment where a space stands before it: KEY=#1 is a value.
    for (size_t hash = value.find('#'); hash != value.npos; hash = value.find('#', hash + 1)) {
      if (hash == 0 ? at_ > begin : value[hash - 1] == ' ' || value[hash - 1] == '\t') {
        value = value.substr(0, hash);
        break;
      }
    }
    at_ = end + 1;
    std::string result(Trim(value, " \t"));
    if (result.find('\0') != result.npos) return Bad("holds a NUL character");
    return result;
  }

  Result<std::string> Quoted() {
    char quote = text_[at_++];
    std::string value;
    int lines = 0;
    for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
      char c = text_[at_];
      if (c == '\0') return Bad("holds a NUL character");
      if (c == '\\' && quote == '"' && at_ + 1 < text_.size()) c = Unescaped(text_[++at_]);
      if (text_[at_] == '\n') ++lines;
      value += c;
    }
    if (at_ >= text_.size()) return Bad("the quote is not closed");
    size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view rest = std::string_view(text_).substr(at_ + 1, end - at_ - 1);
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    rest = Trim(rest, " \t");
    if (!rest.empty() && rest[0] != '#') return Bad("something stands behind the closing quote");
    line_ += lines;
    at_ = end + 1;
    return value;
  }

  std::string path_;
  std::string text_;
  size_t at_ = 0;
  int line_ = 0;
};

}  // namespace

Result<std::map<std::string, std::string>> ReadEnvFile(const std::string& path) {
  BIZOND_ASSIGN_OR_RETURN(std::string text, ReadWholeFile(path, kEnvFileBytesMost));
  return EnvFileReader(path, std::move(text)).Read();
}

}  // namespace bizond
