// What tests of Google's services share: an HTTP server of the loopback, a key, and variables of
// the environment that are as before when a test ends.
#ifndef BIZOND_TESTS_FAKES_GOOGLE_HTTP_SERVER_H_
#define BIZOND_TESTS_FAKES_GOOGLE_HTTP_SERVER_H_

#include <Poco/Base64Decoder.h>
#include <Poco/Base64Encoder.h>
#include <httplib.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bizond {

class GoogleServer {
 public:
  using Handler = std::function<void(const httplib::Request&, httplib::Response&)>;

  explicit GoogleServer(Handler handler) : handler_(std::move(handler)) {
    const auto answer = [this](const httplib::Request& request, httplib::Response& response) {
      {
        std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      handler_(request, response);
    };
    server_.Get(".*", answer);
    server_.Post(".*", answer);
    port_ = server_.bind_to_any_port("127.0.0.1");
    if (port_ <= 0) throw std::runtime_error("test server");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    server_.wait_until_ready();
  }
  ~GoogleServer() {
    server_.stop();
    thread_.join();
  }
  GoogleServer(const GoogleServer&) = delete;
  GoogleServer& operator=(const GoogleServer&) = delete;

  std::string Host() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string Url(const std::string& path = "") const { return "http://" + Host() + path; }
  std::vector<httplib::Request> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  const Handler handler_;
  httplib::Server server_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<httplib::Request> requests_;  // Guarded by mutex_.
  std::thread thread_;
};

inline void AnswerJson(httplib::Response& response, const nlohmann::json& body, int status = 200) {
  response.status = status;
  response.set_content(body.dump(), "application/json");
}

// Sets variables, or takes them away (nullopt).
class ScopedEnvironment {
 public:
  ScopedEnvironment(
      std::initializer_list<std::pair<const char*, std::optional<std::string>>> variables) {
    for (const auto& [name, value] : variables) Set(name, value);
  }
  ~ScopedEnvironment() {
    for (auto before = before_.rbegin(); before != before_.rend(); ++before) {
      Put(before->first, before->second);
    }
  }
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

  void Set(const std::string& name, const std::optional<std::string>& value) {
    const char* const now = getenv(name.c_str());
    before_.emplace_back(name, now == nullptr ? std::nullopt : std::optional<std::string>(now));
    Put(name, value);
  }

 private:
  static void Put(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
      setenv(name.c_str(), value->c_str(), 1);
    } else {
      unsetenv(name.c_str());
    }
  }

  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

// Nothing of the machine that runs the test is found.
class NoCredentials : public ScopedEnvironment {
 public:
  explicit NoCredentials(const std::string& empty_directory)
      : ScopedEnvironment({{"GOOGLE_APPLICATION_CREDENTIALS", std::nullopt},
                           {"CLOUDSDK_CONFIG", empty_directory},
                           {"GCE_METADATA_HOST", "127.0.0.1:1"},
                           {"GOOGLE_CLOUD_PROJECT", std::nullopt},
                           {"GCLOUD_PROJECT", std::nullopt},
                           {"BIZOND_GOOGLE_TOKEN_URIS", std::nullopt},
                           {"BIZOND_SECRET_MANAGER_ENDPOINT", std::nullopt}}) {}
};

struct RsaKey {
  explicit RsaKey(unsigned bits = 2048) : key(EVP_RSA_gen(bits), &EVP_PKEY_free) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    pem.assign(text, static_cast<size_t>(size));
  }
  // Whether the signature of a JWT is the key's, by RS256.
  bool Signed(const std::string& jwt) const {
    const size_t dot = jwt.rfind('.');
    const std::string signature = Decode(jwt.substr(dot + 1));
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(),
                                                                         &EVP_MD_CTX_free);
    return EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
           EVP_DigestVerify(digest.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                            signature.size(), reinterpret_cast<const unsigned char*>(jwt.data()),
                            dot) == 1;
  }
  static std::string Decode(const std::string& base64url) {
    std::istringstream in(base64url);
    Poco::Base64Decoder decoder(in, Poco::BASE64_URL_ENCODING | Poco::BASE64_NO_PADDING);
    return {std::istreambuf_iterator<char>(decoder), {}};
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key;
  std::string pem;
};

inline const RsaKey& TheRsaKey() {
  static const RsaKey key;
  return key;
}

inline nlohmann::json ServiceAccountKey(const std::string& token_uri) {
  return {{"type", "service_account"},
          {"project_id", "key-project"},
          {"private_key_id", "key-1"},
          {"private_key", TheRsaKey().pem},
          {"client_email", "sync@key-project.iam.gserviceaccount.com"},
          {"token_uri", token_uri}};
}

}  // namespace bizond

#endif  // BIZOND_TESTS_FAKES_GOOGLE_HTTP_SERVER_H_
