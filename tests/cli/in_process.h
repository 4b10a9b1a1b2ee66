// RunCommandLine called as main calls it, with what it printed.
#ifndef BIZOND_TESTS_CLI_IN_PROCESS_H_
#define BIZOND_TESTS_CLI_IN_PROCESS_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "tests/cli/command.h"

namespace bizond {

// Not for two threads at once: the standard streams are the process's.
inline Outcome CallCommandLine(std::vector<std::string> words, const LocalVerbs& verbs) {
  words.insert(words.begin(), "bizond");
  std::vector<char*> argv;
  argv.reserve(words.size());
  for (std::string& word : words) argv.push_back(word.data());
  Outcome outcome;
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  outcome.exit_code = RunCommandLine(static_cast<int>(argv.size()), argv.data(), verbs);
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

}  // namespace bizond

#endif  // BIZOND_TESTS_CLI_IN_PROCESS_H_
