#include "app/composition.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "destinations/catalog.h"
#include "sources/catalog.h"

namespace bizond {
namespace {

// Written by the handler, which may only do what is safe in a signal (signal-safety(7)).
int signal_pipe = -1;

void OnSignal(int number) {
  const auto byte = static_cast<char>(number);
  [[maybe_unused]] const ssize_t written = write(signal_pipe, &byte, 1);
}

}  // namespace

const Catalog& BuiltInCatalog() {
  static const Catalog catalog{SourceCatalog(), DestinationCatalog(), SourceFiles(),
                               DestinationFiles(), AbsentDestinations()};
  return catalog;
}

Result<std::filesystem::path> StateDir(const std::string& option) {
  if (!option.empty()) return std::filesystem::absolute(option);
  struct Candidate {
    const char* variable;
    const char* below;
  };
  constexpr Candidate kCandidates[] = {{"BIZOND_STATE_DIR", ""},
                                       {"STATE_DIRECTORY", ""},
                                       {"XDG_STATE_HOME", "bizond"},
                                       {"HOME", ".local/state/bizond"}};
  for (const Candidate& candidate : kCandidates) {
    const char* const value = std::getenv(candidate.variable);
    if (value == nullptr || *value == '\0') continue;
    return std::filesystem::absolute(std::filesystem::path(value) / candidate.below);
  }
  return Fail(ErrorKind::kConfig, "no_state_dir", "there is no place to keep state in",
              "give --state-dir, or set BIZOND_STATE_DIR");
}

Signals::Signals() {
  if (pipe(pipe_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  signal_pipe = pipe_[1];
  struct sigaction action{};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM}) sigaction(number, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // A file that may not grow is an error of the write that meets it, and not the process's end.
  signal(SIGXFSZ, SIG_IGN);
  thread_ = std::thread([this] {
    char byte = 0;
    while (read(pipe_[0], &byte, 1) == 1 && byte != 0) {
      if (received_ != 0) _exit(128 + byte);
      received_ = byte;
      received_.notify_all();
      stop_.request_stop();
    }
  });
}

Signals::~Signals() {
  const char end = 0;
  [[maybe_unused]] const ssize_t written = write(pipe_[1], &end, 1);
  thread_.join();
  close(pipe_[0]);
  close(pipe_[1]);
}

void Signals::Wait() { received_.wait(0); }

}  // namespace bizond
