// A server of a few lines on a socket of the loopback, with TLS if wanted, which says exactly the
// bytes it is told.
#ifndef BIZOND_TESTS_BASE_LOOPBACK_SERVER_H_
#define BIZOND_TESTS_BASE_LOOPBACK_SERVER_H_

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "base/fs.h"

namespace bizond {

// PEM files of a server; `client_ca`: it wants a certificate of that authority.
struct ServerCertificate {
  std::string certificate;
  std::string key;
  std::string client_ca;
};

// Answers every request of every connection, each in a thread.
class LoopbackServer {
 public:
  // "hang" says nothing until the client gives up, and so does an answer that ends in "|hang" after
  // what stands before; "cut" closes at once.
  using Handler = std::function<std::string(const std::string& request)>;

  explicit LoopbackServer(Handler handler) : LoopbackServer(std::move(handler), {}) {}
  LoopbackServer(Handler handler, const ServerCertificate& certificate)
      : handler_(std::move(handler)) {
    if (!certificate.certificate.empty()) UseTls(certificate);
    listener_ = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_.get(), raw, size) != 0 || listen(listener_.get(), 8) != 0 ||
        getsockname(listener_.get(), raw, &size) != 0) {
      throw std::runtime_error("test server");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { Accept(); });
  }
  ~LoopbackServer() {
    shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    // The acceptor is gone: nobody adds to the list any more.
    for (Connection& connection : connections_) shutdown(connection.fd.get(), SHUT_RDWR);
    for (Connection& connection : connections_) connection.thread.join();
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string Url(const std::string& path = "/", const std::string& host = "127.0.0.1") const {
    return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port_) + path;
  }
  int connections() const { return accepted_; }
  int requests() const { return requests_; }

 private:
  struct Connection {
    Fd fd;
    std::unique_ptr<SSL, void (*)(SSL*)> tls{nullptr, SSL_free};
    std::thread thread;
  };

  void UseTls(const ServerCertificate& certificate) {
    // OpenSSL writes to sockets of clients that are gone.
    std::signal(SIGPIPE, SIG_IGN);
    tls_.reset(SSL_CTX_new(TLS_server_method()));
    bool good =
        SSL_CTX_use_certificate_chain_file(tls_.get(), certificate.certificate.c_str()) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls_.get(), certificate.key.c_str(), SSL_FILETYPE_PEM) == 1;
    if (!certificate.client_ca.empty()) {
      good = good &&
             SSL_CTX_load_verify_locations(tls_.get(), certificate.client_ca.c_str(), nullptr) == 1;
      SSL_CTX_set_verify(tls_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    if (!good) throw std::runtime_error("test server: TLS");
  }

  void Accept() {
    while (true) {
      Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd.valid()) return;
      ++accepted_;
      Connection& connection = connections_.emplace_back();
      connection.fd = std::move(fd);
      connection.thread = std::thread([this, &connection] {
        if (Greet(connection)) {
          while (AnswerOne(connection)) {
          }
        }
        shutdown(connection.fd.get(), SHUT_RDWR);
      });
    }
  }

  bool Greet(Connection& connection) {
    if (!tls_) return true;
    connection.tls.reset(SSL_new(tls_.get()));
    return SSL_set_fd(connection.tls.get(), connection.fd.get()) == 1 &&
           SSL_accept(connection.tls.get()) == 1;
  }

  static int Receive(Connection& connection, char* buffer, int size) {
    if (connection.tls) return SSL_read(connection.tls.get(), buffer, size);
    return static_cast<int>(recv(connection.fd.get(), buffer, static_cast<size_t>(size), 0));
  }

  static bool Say(Connection& connection, const std::string& bytes) {
    if (bytes.empty()) return true;
    if (connection.tls) {
      return SSL_write(connection.tls.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
    }
    return send(connection.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

  bool AnswerOne(Connection& connection) {
    std::string request;
    size_t body_size = 0;
    size_t head = std::string::npos;
    char buffer[65536];
    while (head == std::string::npos || request.size() < head + 4 + body_size) {
      const int got = Receive(connection, buffer, sizeof buffer);
      if (got <= 0) return false;
      request.append(buffer, static_cast<size_t>(got));
      if (head != std::string::npos) continue;
      head = request.find("\r\n\r\n");
      const size_t length = request.find("Content-Length: ");
      if (length < head) body_size = std::stoul(request.substr(length + 16));
    }
    ++requests_;
    std::string answer = handler_(request);
    if (answer == "cut") return false;
    const bool hangs = answer == "hang" || answer.ends_with("|hang");
    if (hangs) answer = answer.substr(0, answer.rfind('|') + 1);
    if (hangs && !answer.empty()) answer.pop_back();
    if (!Say(connection, answer)) return false;
    if (hangs) return Receive(connection, buffer, 1) > 0;  // Until the client gives up.
    return answer.find("Connection: close") == std::string::npos;
  }

  const Handler handler_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls_{nullptr, SSL_CTX_free};
  Fd listener_;
  int port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> requests_ = 0;
  std::list<Connection> connections_;  // The acceptor's.
  std::jthread acceptor_;
};

inline std::string HttpAnswer(const std::string& body, const std::string& status = "200 OK",
                              const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

}  // namespace bizond

#endif  // BIZOND_TESTS_BASE_LOOPBACK_SERVER_H_
