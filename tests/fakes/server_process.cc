#include "tests/fakes/server_process.h"

#include <Poco/Exception.h>

#include <stdexcept>

namespace bizond {

ServerProcess::ServerProcess(const std::string& program, const std::vector<std::string>& arguments)
    : program_(program),
      handle_(Poco::Process::launch(program, arguments, nullptr, &out_, nullptr)) {}

ServerProcess::~ServerProcess() {
  try {
    Poco::Process::requestTermination(handle_.id());
    handle_.wait();
  } catch (const Poco::Exception&) {
    // It is gone already.
  }
}

std::string ServerProcess::ReadLine() {
  std::string line;
  for (char c = 0;;) {
    if (out_.readBytes(&c, 1) != 1) {
      throw std::runtime_error(program_ + " ended before it was ready (its stderr says why)");
    }
    if (c == '\n') return line;
    line += c;
  }
}

}  // namespace bizond
