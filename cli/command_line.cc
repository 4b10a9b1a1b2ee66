#include "cli/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "cli/verb.h"

#ifndef BIZOND_VERSION
#define BIZOND_VERSION "0.1.0"
#endif

namespace bizond {
namespace {

constexpr OptionRow kJson{"--json", "", "one JSON document on standard output", OptionKind::kFlag};
constexpr OptionRow kUrl{"--url", "URL", "the daemon ($BIZOND_URL, http://127.0.0.1:8787)"};
constexpr OptionRow kHelp{"-h,--help", "", "this text", OptionKind::kFlag};

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::vector<OptionRow> OptionsOf(const Verb& verb) {
  std::vector<OptionRow> options(verb.options.begin(), verb.options.end());
  if (verb.prints_data) options.push_back(kJson);
  if (verb.talks_to_daemon) options.push_back(kUrl);
  options.push_back(kHelp);
  return options;
}

// Rows of "name  what it is", aligned.
void PrintPairs(const std::vector<std::pair<std::string, std::string>>& rows, Console& console) {
  size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  for (const auto& [left, right] : rows)
    console.Print(fmt::format("  {:<{}}  {}", left, width, right));
}

// Every verb that begins with `prefix`; all when it is empty.
void PrintVerbs(std::string_view prefix, Console& console) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Verb& verb : AllVerbs()) {
    if (!verb.name.starts_with(prefix)) continue;
    rows.emplace_back(
        fmt::format("{}{}{}", verb.name, verb.operands.empty() ? "" : " ", verb.operands),
        verb.summary);
  }
  PrintPairs(rows, console);
}

void PrintHelp(Console& console) {
  console.Print("bizond keeps data in sync: jobs from sources to destinations, on schedule.");
  console.Print("");
  console.Print("Usage: bizond VERB ... ; bizond VERB --help for its options");
  console.Print("");
  PrintVerbs("", console);
  console.Print("");
  console.Print("Exit codes: 0 done; 1 the run failed; 2 usage; 3 the definition is invalid;");
  console.Print("4 cannot connect; 130 interrupted.");
}

void PrintVerbHelp(const Verb& verb, Console& console) {
  console.Print(fmt::format("Usage: bizond {}{}{} [OPTIONS]", verb.name,
                            verb.operands.empty() ? "" : " ", verb.operands));
  console.Print(std::string(verb.summary));
  console.Print("");
  std::vector<std::pair<std::string, std::string>> rows;
  for (const OptionRow& option : OptionsOf(verb)) {
    rows.emplace_back(
        fmt::format("{}{}{}", option.name, option.value.empty() ? "" : " ", option.value),
        option.help);
  }
  PrintPairs(rows, console);
}

int RefuseUsage(const std::string& message, const std::string& remedy, Console& console) {
  console.Report(Error{ErrorKind::kConfig, "bad_usage", message, remedy});
  return kExitUsage;
}

// Whether the word behind `word` is its value.
bool TakesValue(std::string_view word) {
  const auto names_it = [&](const OptionRow& option) {
    return option.kind != OptionKind::kFlag && LongName(option) == word;
  };
  const auto verbs = AllVerbs();
  return names_it(kUrl) || std::any_of(verbs.begin(), verbs.end(), [&](const Verb& verb) {
           return std::any_of(verb.options.begin(), verb.options.end(), names_it);
         });
}

// Whether help is asked for; behind a `--` are operands.
bool AsksForHelp(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::any_of(words.begin(), end,
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

// Options may stand before the verb: they are moved behind it.
void MoveLeadingOptions(std::vector<std::string>* words) {
  size_t count = 0;
  while (count < words->size() && (*words)[count].starts_with("-")) {
    count += TakesValue((*words)[count]) ? 2 : 1;
  }
  count = std::min(count, words->size());
  std::rotate(words->begin(), words->begin() + static_cast<ptrdiff_t>(count), words->end());
}

const Verb* FindVerb(const std::vector<std::string>& words, size_t* used) {
  for (const Verb& verb : AllVerbs()) {
    const std::vector<std::string> name = Split(verb.name);
    if (words.size() >= name.size() && std::equal(name.begin(), name.end(), words.begin())) {
      *used = name.size();
      return &verb;
    }
  }
  return nullptr;
}

// `words` begin with no verb: a group of verbs, a typo, or nothing of ours.
int RefuseVerb(const std::vector<std::string>& words, Console& console) {
  const std::string group = words[0] + " ";
  std::vector<std::string> names;
  bool is_group = false;
  for (const Verb& verb : AllVerbs()) {
    is_group = is_group || verb.name.starts_with(group);
    names.emplace_back(verb.name);
    names.push_back(Split(verb.name)[0]);
  }
  const bool more = words.size() > 1 && !words[1].starts_with("-");
  if (is_group && !more) {
    PrintVerbs(group, console);
    return AsksForHelp(words) ? kExitDone : kExitUsage;
  }
  const std::string wrong = more ? words[0] + " " + words[1] : words[0];
  std::string nearest = NearestWord(wrong, names);
  if (nearest.empty()) nearest = NearestWord(words[0], names);
  return RefuseUsage(
      "there is no verb `" + wrong + "`",
      nearest.empty() ? "bizond --help lists the verbs" : "did you mean `bizond " + nearest + "`?",
      console);
}

int CallVerb(const Verb& verb, const std::vector<std::string>& words, const LocalVerbs& local) {
  const bool as_json =
      verb.prints_data && std::find(words.begin(), words.end(), "--json") != words.end();
  Console console(as_json);
  if (AsksForHelp(words)) {
    Console plain(false);
    PrintVerbHelp(verb, plain);
    return plain.Flush() ? kExitDone : kExitFailed;
  }
  const Result<Arguments> arguments = Arguments::Parse(OptionsOf(verb), words);
  const std::string help = fmt::format("bizond {} --help", verb.name);
  if (!arguments) {
    const Error& error = arguments.error();
    return RefuseUsage(error.message, error.remedy.empty() ? help : error.remedy, console);
  }
  const std::vector<std::string> names = Split(verb.operands);
  const size_t wanted = names.size();
  const size_t given = arguments->operands().size();
  const auto optional = static_cast<size_t>(std::count_if(
      names.begin(), names.end(), [](const std::string& name) { return name.starts_with('['); }));
  if (given > wanted || given + optional < wanted) {
    return RefuseUsage(fmt::format("bizond {} takes {}, but got {}", verb.name,
                                   wanted == 0 ? "no argument" : std::string(verb.operands),
                                   given == 0 ? "nothing" : fmt::format("{} arguments", given)),
                       given > wanted && wanted > 0 ? "quote what holds spaces; " + help : help,
                       console);
  }
  const std::vector<std::string>& operands = arguments->operands();
  if (std::find(operands.begin(), operands.end(), "") != operands.end()) {
    return RefuseUsage(fmt::format("bizond {} takes {}, which is empty", verb.name, verb.operands),
                       help, console);
  }
  int exit_code = kExitFailed;
  try {
    exit_code = verb.run({*arguments, local, console});
  } catch (const std::exception& error) {
    console.ClearProgress();
    console.Report(Error{ErrorKind::kPermanent, "internal_error", error.what(),
                         "this is a bug of bizond: please report it with the command"});
  }
  if (!console.Flush() && exit_code == kExitDone) exit_code = kExitFailed;
  return exit_code;
}

}  // namespace

int RunCommandLine(int argc, char** argv, const LocalVerbs& verbs) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  MoveLeadingOptions(&words);
  if (words.size() > 1 && words.front() == "help") {
    words.erase(words.begin());
    words.insert(std::find(words.begin(), words.end(), "--"), "--help");
  }
  Console console(false);
  const auto has = [&](std::string_view word) {
    return !words.empty() && words.front().starts_with("-") &&
           std::find(words.begin(), words.end(), word) != words.end();
  };
  if (has("--version")) {
    console.Print("bizond " BIZOND_VERSION);
    return console.Flush() ? kExitDone : kExitFailed;
  }
  if (words.empty() || words.front().starts_with("-") || words.front() == "help") {
    PrintHelp(console);
    if (!console.Flush()) return kExitFailed;
    return has("--help") || has("-h") || (!words.empty() && words.front() == "help") ? kExitDone
                                                                                     : kExitUsage;
  }
  size_t used = 0;
  const Verb* const verb = FindVerb(words, &used);
  if (verb == nullptr) {
    const int exit_code = RefuseVerb(words, console);
    console.Flush();
    return exit_code;
  }
  return CallVerb(*verb, {words.begin() + static_cast<ptrdiff_t>(used), words.end()}, verbs);
}

}  // namespace bizond
