// Secrets of Google Secret Manager, read with Application Default Credentials.
//
// A reference is what follows gsm://, in one of the three forms that bizon knows:
//   projects/P/secrets/S/versions/V   all of it
//   S/versions/V                      of the default project
//   S                                 the latest version of it
// A version is a number, an alias or `latest`. A value has at most 64 KiB, as Google limits it; its
// CRC32C is checked where the answer has one.
//
// $BIZOND_SECRET_MANAGER_ENDPOINT stands for https://secretmanager.googleapis.com: another https
// address, or http on the loopback for an emulator. (Google's own clients have an option for it and
// no variable.) The token is sent there as well.
//
// Error codes: bad_secret_reference, secret_missing, secret_denied (all config), secret_unavailable
// (transient), and those of base/google/credentials.h.
//
// Threads: any.
#ifndef BIZOND_BASE_GOOGLE_SECRET_MANAGER_H_
#define BIZOND_BASE_GOOGLE_SECRET_MANAGER_H_

#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/google/credentials.h"

namespace bizond {

class SecretManager {
 public:
  // `clock` must live longer; nullptr: the system's.
  explicit SecretManager(Clock* clock = nullptr);

  // The full name of a reference without its gsm://. `project`: the default one; when it is empty
  // and the reference needs one, FindGoogleProject is asked, which may ask the metadata server.
  static Result<std::string> FullName(std::string_view reference, std::string_view project,
                                      std::stop_token stop);

  // The value of a full name, byte by byte.
  Result<std::string> Access(const std::string& name, std::stop_token stop);

 private:
  Clock* const clock_;
  std::mutex mutex_;
  // The last one, so that its token serves the next secret. Guarded by mutex_.
  std::shared_ptr<GoogleTokenSource> credentials_;
};

}  // namespace bizond

#endif  // BIZOND_BASE_GOOGLE_SECRET_MANAGER_H_
