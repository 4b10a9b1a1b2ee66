// The binary, run as a user does.
#ifndef BIZOND_TESTS_CLI_COMMAND_H_
#define BIZOND_TESTS_CLI_COMMAND_H_

#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"

namespace bizond {

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// `arguments` as a shell takes them; in `directory`, with its own state and no daemon.
inline Outcome RunBizond(const std::filesystem::path& directory, const std::string& arguments) {
  const std::filesystem::path errors = directory / ".stderr";
  const std::string command = "cd " + ShellQuote(directory.string()) +
                              " && env -u BIZOND_TOKEN BIZOND_STATE_DIR=state "
                              "BIZOND_URL=http://127.0.0.1:9 " BIZOND_BINARY " " +
                              arguments + " 2>" + ShellQuote(errors.string()) + " </dev/null";
  Outcome outcome;
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  char buffer[4096];
  for (size_t got = 0; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    outcome.out.append(buffer, got);
  }
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  FILE* const file = fopen(errors.c_str(), "r");
  if (file == nullptr) return outcome;
  for (size_t got = 0; (got = fread(buffer, 1, sizeof buffer, file)) > 0;) {
    outcome.err.append(buffer, got);
  }
  fclose(file);
  return outcome;
}

// What it prints with --json.
inline nlohmann::json JsonOf(const std::filesystem::path& directory, const std::string& arguments,
                             int exit_code) {
  const Outcome outcome = RunBizond(directory, arguments + " --json");
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
  nlohmann::json document = nlohmann::json::parse(outcome.out, nullptr, false);
  EXPECT_FALSE(document.is_discarded()) << outcome.out;
  return document;
}

}  // namespace bizond

#endif  // BIZOND_TESTS_CLI_COMMAND_H_
