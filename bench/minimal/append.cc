// The least that rows through BigQuery's Storage Write API take: requests that were encoded before,
// appended to one PENDING stream over one call, as many on their way as a window lets through.
//
//   bench_append INPUT HOST:PORT projects/P/datasets/D/tables/T ROWS_PER_REQUEST COST
//
// COST gets "APPENDS COMMIT ROWS BYTES": the seconds from the first append to the last answer,
// without the reading, the encoding and the connecting, which come before the clock starts; and
// those that it took to finalize and commit the stream, so that whoever looks finds the rows.
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <proto/bigquery_write.grpc.pb.h>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/minimal/columns.h"
#include "bench/minimal/records.h"

namespace bizond::bench {
namespace {

namespace proto = google::cloud::bigquery::storage::v1;

// As bizond's: a request is full then, and so much may be unanswered.
constexpr size_t kRequestBytes = size_t{2} << 20;
constexpr size_t kWindowBytes = size_t{24} << 20;

struct Request {
  std::string bytes;
  int64_t rows = 0;
};

void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void AppendText(char tag, std::string_view text, std::string* out) {
  out->push_back(tag);
  AppendVarint(text.size(), out);
  *out += text;
}

void AppendMicros(char tag, int64_t micros, std::string* out) {
  out->push_back(tag);
  AppendVarint(static_cast<uint64_t>(micros), out);
}

// bizon's columns, in their order.
google::protobuf::DescriptorProto Row() {
  using Field = google::protobuf::FieldDescriptorProto;
  google::protobuf::DescriptorProto row;
  row.set_name("Row");
  const auto add = [&](const char* name, Field::Type type) {
    Field* const field = row.add_field();
    field->set_name(name);
    field->set_number(row.field_size());
    field->set_type(type);
    field->set_label(Field::LABEL_OPTIONAL);
  };
  add("_source_record_id", Field::TYPE_STRING);
  add("_source_timestamp", Field::TYPE_INT64);
  add("_source_data", Field::TYPE_STRING);
  add("_bizon_extracted_at", Field::TYPE_INT64);
  add("_bizon_loaded_at", Field::TYPE_INT64);
  add("_bizon_id", Field::TYPE_STRING);
  return row;
}

std::vector<Request> Encode(const char* input, const std::string& stream, size_t rows_max) {
  Records records(input);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  std::vector<Request> requests;
  proto::AppendRowsRequest request;
  request.set_write_stream(stream);
  auto* const schema = request.mutable_proto_rows()->mutable_writer_schema();
  *schema->mutable_proto_descriptor() = Row();
  std::string row;
  std::array<char, kIdBytes> id;
  size_t bytes = 0;
  int64_t offset = 0;
  const auto end_request = [&] {
    const auto rows = request.proto_rows().rows().serialized_rows_size();
    if (rows == 0) return;
    request.mutable_offset()->set_value(offset);
    requests.push_back({request.SerializeAsString(), rows});
    offset += rows;
    request.mutable_proto_rows()->clear_writer_schema();
    request.mutable_proto_rows()->mutable_rows()->clear_serialized_rows();
    bytes = 0;
  };
  for (MinimalRecord record; records.Next(&record);) {
    row.clear();
    AppendText(0x0a, record.key, &row);
    AppendMicros(0x10, micros, &row);
    AppendText(0x1a, record.data, &row);
    AppendMicros(0x20, micros, &row);
    AppendMicros(0x28, micros, &row);
    WriteId(1, static_cast<uint64_t>(offset) + bytes, id.data());
    AppendText(0x32, {id.data(), id.size()}, &row);
    request.mutable_proto_rows()->mutable_rows()->add_serialized_rows(row);
    bytes += row.size();
    const auto rows = static_cast<size_t>(request.proto_rows().rows().serialized_rows_size());
    if (bytes >= kRequestBytes || rows >= rows_max) end_request();
  }
  end_request();
  return requests;
}

void Must(const grpc::Status& status, const char* what) {
  if (status.ok()) return;
  (void)std::fprintf(stderr, "%s: %s\n", what, status.error_message().c_str());
  std::exit(1);
}

void Route(grpc::ClientContext* context, const std::string& parameter) {
  context->AddMetadata("x-goog-request-params", parameter);
}

// Sends all requests and reads all answers.
class Loop {
 public:
  Loop(std::shared_ptr<grpc::Channel> channel, const std::string& stream) : stub_(channel) {
    Route(&context_, "write_stream=" + stream);
    call_ = stub_.PrepareCall(
        &context_, "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows", &queue_);
    call_->StartCall(&tags_[0]);
    Wait(&tags_[0]);
  }

  void Run(const std::vector<Request>& requests) {
    call_->Read(&answer_, &tags_[1]);
    size_t sent = 0;
    size_t answered = 0;
    size_t unanswered_bytes = 0;
    bool writing = false;
    while (answered < requests.size()) {
      if (!writing && sent < requests.size() && unanswered_bytes <= kWindowBytes) {
        const std::string& bytes = requests[sent++].bytes;
        unanswered_bytes += bytes.size();
        const grpc::Slice slice(bytes.data(), bytes.size(), grpc::Slice::STATIC_SLICE);
        call_->Write(grpc::ByteBuffer(&slice, 1), &tags_[2]);
        writing = true;
      }
      void* tag = nullptr;
      bool ok = false;
      if (!queue_.Next(&tag, &ok) || !ok) return End();
      if (tag == &tags_[2]) {
        writing = false;
        continue;
      }
      proto::AppendRowsResponse response;
      Must(grpc::SerializationTraits<proto::AppendRowsResponse>::Deserialize(&answer_, &response),
           "an answer");
      if (response.has_error()) Die(response.error().message());
      unanswered_bytes -= requests[answered++].bytes.size();
      if (answered < requests.size()) call_->Read(&answer_, &tags_[1]);
    }
    call_->WritesDone(&tags_[0]);
    Wait(&tags_[0]);
    End();
  }

 private:
  void Wait(void* wanted) {
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok) || tag != wanted || !ok) End();
  }
  void End() {
    grpc::Status status;
    call_->Finish(&status, &tags_[3]);
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok) && tag != &tags_[3]) {
    }
    Must(status, "AppendRows");
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::array<char, 4> tags_{};
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer answer_;
};

std::string NewStream(proto::BigQueryWrite::Stub* stub, const std::string& table) {
  grpc::ClientContext context;
  Route(&context, "parent=" + table);
  proto::CreateWriteStreamRequest request;
  request.set_parent(table);
  request.mutable_write_stream()->set_type(proto::WriteStream::PENDING);
  proto::WriteStream stream;
  Must(stub->CreateWriteStream(&context, request, &stream), "CreateWriteStream");
  return stream.name();
}

void Commit(proto::BigQueryWrite::Stub* stub, const std::string& table, const std::string& stream) {
  grpc::ClientContext first;
  Route(&first, "name=" + stream);
  proto::FinalizeWriteStreamRequest finalize;
  finalize.set_name(stream);
  proto::FinalizeWriteStreamResponse sealed;
  Must(stub->FinalizeWriteStream(&first, finalize, &sealed), "FinalizeWriteStream");
  grpc::ClientContext second;
  Route(&second, "parent=" + table);
  proto::BatchCommitWriteStreamsRequest commit;
  commit.set_parent(table);
  commit.add_write_streams(stream);
  proto::BatchCommitWriteStreamsResponse committed;
  Must(stub->BatchCommitWriteStreams(&second, commit, &committed), "BatchCommitWriteStreams");
}

int Main(int argc, char** argv) {
  if (argc != 6) {
    (void)std::fputs("usage: bench_append INPUT HOST:PORT TABLE ROWS_PER_REQUEST COST\n", stderr);
    return 2;
  }
  const auto channel = grpc::CreateChannel(argv[2], grpc::InsecureChannelCredentials());
  const auto stub = proto::BigQueryWrite::NewStub(channel);
  const std::string table = argv[3];
  const std::string stream = NewStream(stub.get(), table);
  const std::vector<Request> requests =
      Encode(argv[1], stream, std::strtoull(argv[4], nullptr, 10));
  Loop loop(channel, stream);
  const auto start = std::chrono::steady_clock::now();
  loop.Run(requests);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const auto appended = std::chrono::steady_clock::now();
  Commit(stub.get(), table, stream);
  const std::chrono::duration<double> commit = std::chrono::steady_clock::now() - appended;
  int64_t rows = 0;
  size_t bytes = 0;
  for (const Request& request : requests) {
    rows += request.rows;
    bytes += request.bytes.size();
  }
  std::FILE* const out = std::fopen(argv[5], "w");
  if (out == nullptr) Die(argv[5]);
  (void)std::fprintf(out, "%.6f %.6f %lld %zu\n", wall.count(), commit.count(),
                     static_cast<long long>(rows), bytes);
  return std::fclose(out) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bizond::bench

int main(int argc, char** argv) { return bizond::bench::Main(argc, argv); }
