"""Google's Storage Write client drives the fake: streams, offsets, errors by row, commits, schema updates."""
import threading

import grpc
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud import bigquery_storage_v1 as storage
from google.cloud.bigquery_storage_v1 import types, writer
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import honest

D = descriptor_pb2.FieldDescriptorProto
TABLE = "projects/p1/datasets/d/tables/"


def descriptor(name, *fields, nested=()):
    """(field, type, label or type name): a self-contained message."""
    out = descriptor_pb2.DescriptorProto(name=name, nested_type=nested)
    for number, (field, kind, *more) in enumerate(fields, 1):
        out.field.add(name=field, number=number, type=kind, label=next(
            (m for m in more if isinstance(m, int)), D.LABEL_OPTIONAL),
            type_name=next((m for m in more if isinstance(m, str)), None))
    return out


def maker(proto):
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptor_pb2.FileDescriptorProto(name="w.proto", message_type=[proto]))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(proto.name))


SIMPLE = descriptor("Row", ("id", D.TYPE_INT64), ("name", D.TYPE_STRING))
Row = maker(SIMPLE)


def request(stream, rows, offset=None, proto=SIMPLE):
    out = types.AppendRowsRequest(write_stream=stream)
    out.proto_rows.rows.serialized_rows = [row if isinstance(row, bytes) else row.SerializeToString()
                                           for row in rows]
    if proto is not None:
        out.proto_rows.writer_schema.proto_descriptor = proto
    if offset is not None:
        out.offset = offset
    return out


class Write(honest.Fake):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        channel = grpc.insecure_channel("127.0.0.1:%d" % cls.ports["grpc_port"])
        cls.writer = storage.BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=channel))

    @classmethod
    def tearDownClass(cls):
        cls.writer.transport.close()
        super().tearDownClass()

    def stream(self, table, kind):
        return self.writer.create_write_stream(parent=TABLE + table, write_stream=types.WriteStream(type_=kind)).name

    def append(self, *requests):
        """All the answers of one call."""
        return list(self.writer.append_rows(iter(requests)))

    def ids(self, table="t"):
        return [row["id"] for row in self.rows(table)]

    def commit(self, *streams):
        return self.writer.batch_commit_write_streams(types.BatchCommitWriteStreamsRequest(
            parent=TABLE + "t", write_streams=streams))

    def test_pending_streams_are_committed_together_and_once(self):
        self.table("t")
        one, two = (self.stream("t", types.WriteStream.Type.PENDING) for _ in range(2))
        answers = self.append(request(one, [Row(id=1), Row(id=2)], 0), request(one, [Row(id=3)], 2, None))
        self.assertEqual([a.append_result.offset for a in answers], [0, 2])
        self.append(request(two, [Row(id=4)], 0))
        self.assertEqual(self.writer.finalize_write_stream(name=one).row_count, 3)
        early = self.commit(one, two)
        self.assertIsNone(early.commit_time)
        self.assertEqual([(e.entity, e.code.name) for e in early.stream_errors], [(two, "INVALID_STREAM_STATE")])
        self.assertEqual(self.ids(), [])
        self.writer.finalize_write_stream(name=two)
        self.assertIsNotNone(self.commit(one, two).commit_time)
        self.assertEqual(self.ids(), [1, 2, 3, 4])
        again = self.commit(one, two)
        self.assertEqual({e.code.name for e in again.stream_errors}, {"STREAM_ALREADY_COMMITTED"})
        self.assertEqual(self.ids(), [1, 2, 3, 4])
        self.assertIsNotNone(self.writer.get_write_stream(name=one).commit_time)

    def test_offsets_are_held_and_errors_leave_the_call_usable(self):
        self.table("t")
        name = self.stream("t", types.WriteStream.Type.COMMITTED)
        answers = self.append(request(name, [Row(id=1)], 0), request(name, [Row(id=1)], 0),
                              request(name, [Row(id=9)], 7), request(name, [Row(id=2)], 1))
        self.assertEqual([a.error.code for a in answers], [0, 6, 11, 0])
        codes = []
        for answer in answers[1:3]:
            error = types.StorageError.pb()()
            self.assertTrue(answer.error.details[0].Unpack(error))
            codes.append(error.code)
        self.assertEqual(codes, [8, 9])  # OFFSET_ALREADY_EXISTS, OFFSET_OUT_OF_RANGE
        self.assertEqual(self.ids(), [1, 2])
        self.writer.finalize_write_stream(name=name)
        self.assertEqual(self.append(request(name, [Row(id=3)], 2))[0].error.code, 3)

    def test_one_bad_row_refuses_its_request(self):
        self.table("t")
        name = self.stream("t", types.WriteStream.Type.COMMITTED)
        bad, good = self.append(request(name, [Row(id=1), Row(name="x"), b"\xff\xff"], 0),
                                request(name, [Row(id=2)], 0))
        self.assertEqual((bad.error.code, [e.index for e in bad.row_errors]), (3, [1, 2]))
        self.assertEqual((good.error.code, self.ids()), (0, [2]))

    def test_the_default_stream_takes_no_offset(self):
        self.table("t")
        name = TABLE + "t/streams/_default"
        refused, taken = self.append(request(name, [Row(id=1)], 0), request(name, [Row(id=1)]))
        self.assertEqual(refused.error.code, 3)
        self.assertNotIn("offset", taken.append_result)
        self.assertEqual(self.ids(), [1])

    def test_buffered_rows_are_there_when_flushed(self):
        self.table("t")
        name = self.stream("t", types.WriteStream.Type.BUFFERED)
        self.append(request(name, [Row(id=i) for i in range(4)], 0))
        self.assertEqual(self.ids(), [])
        self.assertEqual(self.writer.flush_rows(types.FlushRowsRequest(write_stream=name, offset=1)).offset, 1)
        self.assertEqual(self.ids(), [0, 1])
        with self.assertRaises(exceptions.OutOfRange):
            self.writer.flush_rows(types.FlushRowsRequest(write_stream=name, offset=4))

    def test_every_type(self):
        self.client.create_table(bigquery.Table("p1.d.t", schema=honest.SCHEMA))
        address = descriptor("Address", ("zip", D.TYPE_STRING), ("n", D.TYPE_INT64, D.LABEL_REPEATED))
        text = [(name, D.TYPE_STRING) for name in ("name", "price", "big", "local", "clock", "place", "doc")]
        proto = descriptor("All", ("id", D.TYPE_INT64), ("raw", D.TYPE_BYTES), ("score", D.TYPE_DOUBLE),
                           ("on", D.TYPE_BOOL), ("at", D.TYPE_INT64), ("day", D.TYPE_INT32),
                           ("tags", D.TYPE_STRING, D.LABEL_REPEATED),
                           ("address", D.TYPE_MESSAGE, ".All.Address"), *text, nested=[address])
        row = maker(proto)(
            id=1, name="Zoë", raw=b"\0\1\xff", score=1.5, price="12.340", big="1e-30", on=True,
            at=1709202896789012, day=19782, local="2024-02-29T01:02:03", clock="23:59:59.5", place="POINT(1 2)",
            doc='{"a": [1, 2.5, null]}', tags=["x", "y"], address={"zip": "01234", "n": [1, 2]})
        answer = self.append(request(TABLE + "t/_default", [row], proto=proto))[0]
        self.assertEqual(answer.error.message, "")
        self.load("u", honest.lines([honest.ROW]), schema=honest.SCHEMA).result()
        self.assertEqual(self.rows("t"), self.rows("u"))
        self.assertEqual(list(self.client.list_rows("p1.d.t")), list(self.client.list_rows("p1.d.u")))

    def test_a_descriptor_must_fit_the_table(self):
        self.table("t")
        name = self.stream("t", types.WriteStream.Type.COMMITTED)
        for proto, storage_code in (
                (descriptor("Row", ("id", D.TYPE_INT64), ("new", D.TYPE_STRING)), 7),
                (descriptor("Row", ("name", D.TYPE_STRING)), None), (descriptor("Row", ("id", D.TYPE_STRING)), None),
                (descriptor("Row", ("id", D.TYPE_INT64, D.LABEL_REPEATED)), None)):
            error = self.append(request(name, [b""], proto=proto))[0].error
            self.assertEqual(error.code, 3, proto)
            if storage_code:
                detail = types.StorageError.pb()()
                error.details[0].Unpack(detail)
                self.assertEqual(detail.code, storage_code)

    def test_a_changed_schema_is_told_and_taken(self):
        table = self.table("t")
        wider = descriptor("Row", ("id", D.TYPE_INT64), ("new", D.TYPE_STRING))
        name = self.stream("t", types.WriteStream.Type.COMMITTED)

        def requests():
            yield request(name, [Row(id=1)], 0)
            table.schema = honest.SIMPLE + [bigquery.SchemaField("new", "STRING")]
            self.client.update_table(table, ["schema"])
            yield request(name, [Row(id=2)], 1, None)
            yield request(name, [maker(wider)(id=3, new="x")], 2, wider)
        answers = list(self.writer.append_rows(requests()))
        self.assertEqual([a.error.code for a in answers], [0, 0, 0])
        told = [[f.name for f in a.updated_schema.fields] for a in answers if a.updated_schema.fields]
        self.assertEqual(told, [["id", "name", "new"]])
        self.assertEqual(self.rows("t")[2], {"id": 3, "name": None, "new": "x"})

    def test_a_cut_call_keeps_its_rows(self):
        self.table("t")
        name = self.stream("t", types.WriteStream.Type.COMMITTED)
        self.fake("POST", "/_fake/faults", {"on": "grpc", "method": "AppendRows", "cut_after_requests": 2})
        got = []
        with self.assertRaises(exceptions.ServiceUnavailable):
            for answer in self.writer.append_rows(request(name, [Row(id=i)], i) for i in range(3)):
                got.append(answer.append_result.offset)
        self.assertEqual((got, self.ids()), ([0], [0, 1]))
        self.assertEqual([a.error.code for a in self.append(*(request(name, [Row(id=i)], i) for i in range(1, 3)))],
                         [6, 0])
        self.fake("POST", "/_fake/faults", {"on": "grpc", "in_band": {"code": 10}})
        self.assertEqual([a.error.code for a in self.append(*[request(name, [Row(id=3)], 3)] * 2)], [10, 0])
        self.assertEqual(self.ids(), [0, 1, 2, 3])

    def test_an_idle_call_is_closed(self):
        self.table("t")
        name = self.stream("t", types.WriteStream.Type.COMMITTED)

        over = threading.Event()

        def requests():
            yield request(name, [Row(id=0)], 0)
            over.wait(60)
        answers = self.writer.append_rows(requests())
        try:
            self.assertEqual(next(answers).error.code, 0)
            self.fake("POST", "/_fake/close_appends")
            with self.assertRaises(exceptions.Aborted):
                next(answers)
        finally:
            over.set()

    def test_what_is_not_there_is_not_found(self):
        with self.assertRaises(exceptions.NotFound):
            self.stream("none", types.WriteStream.Type.PENDING)
        self.table("t")
        name = self.stream("t", types.WriteStream.Type.PENDING)
        self.client.delete_table("p1.d.t")
        self.table("t")
        with self.assertRaises(exceptions.NotFound):
            self.append(request(name, [Row(id=1)]))
        name = self.stream("t", types.WriteStream.Type.PENDING)
        self.fake("POST", "/_fake/advance", {"seconds": 86401})
        with self.assertRaises(exceptions.NotFound):
            self.writer.get_write_stream(name=name)

    def test_outside_the_us_a_header_routes(self):
        there = bigquery.Dataset("p1.eu")
        there.location = "EU"
        self.client.create_dataset(there)
        self.client.create_table(bigquery.Table("p1.eu.t", schema=honest.SIMPLE))
        name = "projects/p1/datasets/eu/tables/t/streams/_default"
        with self.assertRaises(exceptions.NotFound):
            self.append(request(name, [Row(id=1)]))
        routed = [("x-goog-request-params", "write_stream=" + name)]
        self.assertEqual([a.error.code for a in self.writer.append_rows(iter([request(name, [Row(id=1)])]),
                                                                        metadata=routed)], [0])

    def test_googles_own_pipelining_writer(self):
        self.table("t")
        name = self.stream("t", types.WriteStream.Type.COMMITTED)
        first = types.AppendRowsRequest(write_stream=name)
        first.proto_rows.writer_schema.proto_descriptor = SIMPLE
        stream = writer.AppendRowsStream(self.writer, first)
        sent = [stream.send(request(name, [Row(id=i)], i, None)) for i in range(50)]
        self.assertEqual([future.result(10).append_result.offset for future in sent], list(range(50)))
        stream.close()
        self.assertEqual(self.ids(), list(range(50)))
