// Arguments: what a verb was called with, parsed by a table of its options.
//
// Only the options of the verb that was called are registered with the parser: the start of a short
// command costs nothing for the other forty.
//
// Threads: values.
#ifndef BIZOND_CLI_ARGUMENTS_H_
#define BIZOND_CLI_ARGUMENTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bizond {

enum class OptionKind {
  kFlag,
  kText,
  kRepeated,  // Text, given any number of times.
  kNumber,    // A whole number, not negative.
  kCount,     // A whole number from 1.
};

struct OptionRow {
  std::string_view name;   // "--state-dir", or with a short one first: "-f,--file"
  std::string_view value;  // What stands for the value in the help; empty for a flag.
  std::string_view help;
  OptionKind kind = OptionKind::kText;
  std::string_view choices = "";  // "keep|reset"; empty: any value.
};

class Arguments {
 public:
  // `words` are those behind the verb. Code bad_usage, with the nearest option in the remedy.
  static Result<Arguments> Parse(std::span<const OptionRow> options,
                                 const std::vector<std::string>& words);

  const std::vector<std::string>& operands() const { return operands_; }
  // `name` is the option's long name.
  bool Has(std::string_view name) const;
  std::string Text(std::string_view name, std::string_view otherwise = "") const;
  std::vector<std::string> All(std::string_view name) const;
  std::optional<uint64_t> Number(std::string_view name) const;

 private:
  std::vector<std::string> operands_;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

// "--file" of "-f,--file".
std::string_view LongName(const OptionRow& option);

// The name of `names` that `wrong` was most likely meant to be; empty when none is near.
std::string NearestWord(std::string_view wrong, const std::vector<std::string>& names);

}  // namespace bizond

#endif  // BIZOND_CLI_ARGUMENTS_H_
