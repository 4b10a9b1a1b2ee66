// ServerProcess: a server that a test starts as a process of its own, ended by its pid.
//
// Threads: one at a time.
#ifndef BIZOND_TESTS_FAKES_SERVER_PROCESS_H_
#define BIZOND_TESTS_FAKES_SERVER_PROCESS_H_

#include <Poco/Pipe.h>
#include <Poco/Process.h>

#include <string>
#include <vector>

namespace bizond {

class ServerProcess {
 public:
  // Throws when it cannot be started. What it prints on stdout is ReadLine's.
  ServerProcess(const std::string& program, const std::vector<std::string>& arguments);
  // Ends it by SIGINT, and waits until it is gone.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // The next line of its stdout; throws when the process ends before one.
  std::string ReadLine();
  int pid() const { return handle_.id(); }

 private:
  const std::string program_;
  Poco::Pipe out_;
  Poco::ProcessHandle handle_;
};

}  // namespace bizond

#endif  // BIZOND_TESTS_FAKES_SERVER_PROCESS_H_
