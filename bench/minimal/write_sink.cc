// A server of BigQuery's Storage Write API that keeps nothing: it takes appends, counts their rows
// and answers with offsets, as fast as gRPC hands the requests over. What is measured against it is
// the client.
//
//   bench_write_sink
//
// Prints {"grpc_port": N} once it listens on 127.0.0.1; ends when its standard input does.
//
// Threads: gRPC's own; every append of a call is handled by one of them at a time.
#include <google/protobuf/io/coded_stream.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <unistd.h>

#include <proto/bigquery_write.grpc.pb.h>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>

namespace bizond::bench {
namespace {

namespace proto = google::cloud::bigquery::storage::v1;
using google::protobuf::io::CodedInputStream;

constexpr uint32_t kOffset = 2 << 3 | 2, kRows = 4 << 3 | 2;
constexpr uint32_t kNested = 1 << 3 | 2, kProtoRows = 2 << 3 | 2;

struct Append {
  int64_t offset = 0;
  int64_t rows = 0;
};

// Steps over a field that is not looked at.
bool Skip(CodedInputStream* in, uint32_t tag) {
  uint64_t number = 0;
  uint32_t size = 0;
  switch (tag & 7) {
    case 0:
      return in->ReadVarint64(&number);
    case 2:
      return in->ReadVarint32(&size) && in->Skip(static_cast<int>(size));
    default:
      return false;
  }
}

// Calls `field` with each tag of the message that follows its length.
template <typename Field>
bool Walk(CodedInputStream* in, Field field) {
  uint32_t size = 0;
  if (!in->ReadVarint32(&size)) return false;
  const auto limit = in->PushLimit(static_cast<int>(size));
  while (const uint32_t tag = in->ReadTag()) {
    if (!field(tag)) return false;
  }
  in->PopLimit(limit);
  return true;
}

bool Read(grpc::ByteBuffer* request, Append* append) {
  grpc::ProtoBufferReader bytes(request);
  CodedInputStream in(&bytes);
  while (const uint32_t tag = in.ReadTag()) {
    bool good = false;
    if (tag == kOffset) {
      good = Walk(&in, [&](uint32_t) {
        uint64_t value = 0;
        if (!in.ReadVarint64(&value)) return false;
        append->offset = static_cast<int64_t>(value);
        return true;
      });
    } else if (tag == kRows) {
      good = Walk(&in, [&](uint32_t part) {
        if (part != kProtoRows) return Skip(&in, part);
        return Walk(&in, [&](uint32_t row) {
          append->rows += row == kNested ? 1 : 0;
          return Skip(&in, row);
        });
      });
    } else {
      good = Skip(&in, tag);
    }
    if (!good) return false;
  }
  return true;
}

class Streams {
 public:
  std::string New(const std::string& table) {
    const std::lock_guard lock(mutex_);
    std::string name = table + "/streams/s" + std::to_string(rows_.size() + 1);
    rows_.emplace(name, 0);
    return name;
  }
  int64_t Rows(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return rows_[name];
  }
  void Set(const std::string& name, int64_t rows) {
    const std::lock_guard lock(mutex_);
    rows_[name] = rows;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int64_t> rows_;
};

class Appends final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Appends(std::string stream, Streams* streams)
      : stream_(std::move(stream)), streams_(*streams), next_(streams->Rows(stream_)) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    Append append;
    if (!Read(&request_, &append)) {
      return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no AppendRowsRequest"));
    }
    proto::AppendRowsResponse answer;
    if (append.offset == next_) {
      next_ += append.rows;
      streams_.Set(stream_, next_);
      answer.mutable_append_result()->mutable_offset()->set_value(append.offset);
    } else {
      answer.mutable_error()->set_code(append.offset < next_ ? 6 : 11);
    }
    const grpc::Slice bytes(answer.SerializeAsString());
    answer_ = grpc::ByteBuffer(&bytes, 1);
    StartWrite(&answer_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  const std::string stream_;
  Streams& streams_;
  int64_t next_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer answer_;
};

class Service final
    : public proto::BigQueryWrite::WithRawCallbackMethod_AppendRows<proto::BigQueryWrite::Service> {
 public:
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* AppendRows(
      grpc::CallbackServerContext* context) override {
    // The header that routes a request names the stream, so that no request need be read for it.
    const auto& metadata = context->client_metadata();
    const auto found = metadata.find("x-goog-request-params");
    std::string stream =
        found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
    stream.erase(0, stream.find('=') + 1);
    return new Appends(std::move(stream), &streams_);
  }
  grpc::Status CreateWriteStream(grpc::ServerContext*,
                                 const proto::CreateWriteStreamRequest* request,
                                 proto::WriteStream* stream) override {
    stream->set_name(streams_.New(request->parent()));
    stream->set_type(request->write_stream().type());
    return grpc::Status::OK;
  }
  grpc::Status FinalizeWriteStream(grpc::ServerContext*,
                                   const proto::FinalizeWriteStreamRequest* request,
                                   proto::FinalizeWriteStreamResponse* sealed) override {
    sealed->set_row_count(streams_.Rows(request->name()));
    return grpc::Status::OK;
  }
  grpc::Status BatchCommitWriteStreams(grpc::ServerContext*,
                                       const proto::BatchCommitWriteStreamsRequest*,
                                       proto::BatchCommitWriteStreamsResponse* answer) override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    answer->mutable_commit_time()->set_seconds(
        std::chrono::duration_cast<std::chrono::seconds>(now).count());
    return grpc::Status::OK;
  }

 private:
  Streams streams_;
};

int Main() {
  Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(64 << 20);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  (void)std::printf("{\"grpc_port\": %d}\n", port);
  (void)std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

}  // namespace
}  // namespace bizond::bench

int main() { return bizond::bench::Main(); }
