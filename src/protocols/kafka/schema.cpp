// SPDX-License-Identifier: Apache-2.0
// The layouts of Kafka's messages, after the message definitions of Apache Kafka 4: a row per message, a word per field
// in order, with the versions that have it. Tagged fields are not listed: they carry their size, and none is wanted.
#include <array>

#include "protocols/kafka/schema.h"

namespace subfloor::protocols::kafka {
namespace {

constexpr std::uint8_t any = 255;

struct Maker {
  Type type;
  Role role = Role::none;
  constexpr Field operator()(std::uint8_t from = 0, std::uint8_t to = any) const { return {type, role, from, to}; }
};
constexpr Maker int8{Type::int8}, int16{Type::int16}, int32{Type::int32}, int64{Type::int64}, uuid{Type::uuid},
    string{Type::string}, bytes{Type::bytes}, array{Type::array}, list{Type::list}, end{Type::end}, rest{Type::rest};
constexpr Maker acks{Type::int16, Role::acks}, error{Type::int16, Role::error}, key_type{Type::int8, Role::key_type},
    session_epoch{Type::int32, Role::session_epoch}, partition{Type::int32, Role::partition},
    group{Type::string, Role::group}, topic{Type::string, Role::topic}, topic_id{Type::uuid, Role::topic_id},
    topics{Type::array, Role::topics}, topic_list{Type::list, Role::topics};

// clang-format off
constexpr Field produce_request[]{string(3), acks(), int32(), topics(), topic(0, 12), topic_id(13), array(),
    partition(), bytes(), end(), end()};
constexpr Field produce_response[]{array(), string(0, 12), uuid(13), array(), int32(), error(), int64(), int64(2),
    int64(5), array(8), int32(8), string(8), end(), string(8), end(), end(), int32(1)};
constexpr Field fetch_request[]{int32(0, 14), int32(), int32(), int32(3), int8(4), int32(7), session_epoch(7),
    topics(), topic(0, 12), topic_id(13), array(), partition(), int32(9), int64(), int32(12), int64(5), int32(),
    end(), end(), array(7), string(7, 12), uuid(13), list(7), int32(), end(), end(), string(11)};
constexpr Field fetch_response[]{int32(1), error(7), int32(7), topics(), topic(0, 12), topic_id(13), array(),
    partition(), error(), int64(), int64(4), int64(5), array(4), int64(4), int64(4), end(), int32(11), bytes(),
    end(), end()};
constexpr Field list_offsets_request[]{int32(), int8(2), topics(), topic(), array(), partition(), int32(4), int64(),
    int32(0, 0), end(), end(), int32(10)};
constexpr Field list_offsets_response[]{int32(2), array(), string(), array(), int32(), error(), list(0, 0), int64(),
    end(), int64(1), int64(1), int32(4), end(), end()};
constexpr Field metadata_request[]{topics(), topic_id(10), topic(), end(), int8(4), int8(8, 10), int8(8)};
constexpr Field metadata_response[]{int32(3), array(), int32(), string(), int32(), string(1), end(), string(2),
    int32(1), topics(), error(), topic(), topic_id(10), int8(1), array(), error(), int32(), int32(), int32(7),
    list(), int32(), end(), list(), int32(), end(), list(5), int32(), end(), end(), int32(8), end(), int32(8, 10),
    error(13)};
constexpr Field offset_commit_request[]{group(), int32(1), string(1), string(7), int64(2, 4), topics(), topic(0, 9),
    topic_id(10), array(), partition(), int64(), int32(6), int64(1, 1), string(), end(), end()};
constexpr Field offset_commit_response[]{int32(3), array(), string(0, 9), uuid(10), array(), int32(), error(), end(),
    end()};
constexpr Field offset_fetch_request[]{group(0, 7), topics(0, 7), topic(0, 7), list(0, 7), partition(), end(), end(),
    array(8), group(8), string(9), int32(9), topics(8), topic(8, 9), topic_id(10), list(8), partition(), end(),
    end(), end(), int8(7)};
constexpr Field offset_fetch_response[]{int32(3), array(0, 7), string(0, 7), array(0, 7), int32(0, 7), int64(0, 7),
    int32(5, 7), string(0, 7), error(0, 7), end(), end(), error(2, 7), array(8), string(8), array(8), string(8, 9),
    uuid(10), array(8), int32(8), int64(8), int32(8), string(8), error(8), end(), end(), error(8), end()};
constexpr Field find_coordinator_request[]{group(0, 3), key_type(1), list(4), group(), end()};
constexpr Field find_coordinator_response[]{int32(1), error(0, 3), string(1, 3), int32(0, 3), string(0, 3),
    int32(0, 3), array(4), string(4), int32(4), string(4), int32(4), error(4), string(4), end()};
constexpr Field join_group_request[]{group(), int32(), int32(1), string(), string(5), string(), array(), string(),
    bytes(), end(), string(8)};
constexpr Field join_group_response[]{int32(2), error(), int32(), string(7), string(), string(), int8(9), string(),
    array(), string(), string(5), bytes(), end()};
constexpr Field heartbeat_request[]{group(), int32(), string(), string(3)};
constexpr Field heartbeat_response[]{int32(1), error()};
constexpr Field leave_group_request[]{group(), string(0, 2), array(3), string(3), string(3), string(5), end()};
constexpr Field leave_group_response[]{int32(1), error(), array(3), string(3), string(3), error(3), end()};
constexpr Field sync_group_request[]{group(), int32(), string(), string(3), string(5), string(5), array(), string(),
    bytes(), end()};
constexpr Field sync_group_response[]{int32(1), error(), string(5), string(5), bytes()};
constexpr Field describe_groups_request[]{list(), group(), end(), int8(3)};
constexpr Field describe_groups_response[]{int32(1), array(), error(), string(6), string(), string(), string(),
    string(), array(), string(), string(4), string(), string(), bytes(), bytes(), end(), int32(3), end()};
constexpr Field list_groups_request[]{list(4), string(), end(), list(5), string(), end()};
constexpr Field list_groups_response[]{int32(1), error(), array(), string(), string(), string(4), string(5), end()};
constexpr Field sasl_handshake_request[]{string()};
constexpr Field sasl_handshake_response[]{error(), list(), string(), end()};
constexpr Field api_versions_request[]{string(3), string(3)};
constexpr Field api_versions_response[]{error(), rest()};
constexpr Field create_topics_request[]{topics(), topic(), int32(), int16(), array(), int32(), list(), int32(),
    end(), end(), array(), string(), string(), end(), end(), int32(), int8(1)};
constexpr Field create_topics_response[]{int32(2), topics(), topic(), topic_id(7), error(), string(1), int32(5),
    int16(5), array(5), string(5), string(5), int8(5), int8(5), int8(5), end(), end()};
constexpr Field delete_topics_request[]{topics(6), topic(6), topic_id(6), end(), topic_list(0, 5), topic(), end(),
    int32()};
constexpr Field delete_topics_response[]{int32(1), topics(), topic(), topic_id(6), error(), string(5), end()};
constexpr Field delete_records_request[]{topics(), topic(), array(), partition(), int64(), end(), end(), int32()};
constexpr Field delete_records_response[]{int32(), array(), string(), array(), int32(), int64(), error(), end(),
    end()};
constexpr Field init_producer_id_request[]{string(), int32(), int64(3), int16(3)};
constexpr Field init_producer_id_response[]{int32(), error(), int64(), int16()};
constexpr Field offset_for_leader_epoch_request[]{int32(3), topics(), topic(), array(), partition(), int32(2),
    int32(), end(), end()};
constexpr Field offset_for_leader_epoch_response[]{int32(2), array(), string(), array(), error(), int32(), int32(1),
    int64(), end(), end()};
constexpr Field add_partitions_to_txn_request[]{array(4), string(4), int64(4), int16(4), int8(4), topics(4), topic(),
    list(), partition(), end(), end(), end(), string(0, 3), int64(0, 3), int16(0, 3), topics(0, 3), topic(), list(),
    partition(), end(), end()};
constexpr Field add_partitions_to_txn_response[]{int32(), error(4), array(4), string(4), array(4), string(), array(),
    int32(), error(), end(), end(), end(), array(0, 3), string(), array(), int32(), error(), end(), end()};
constexpr Field add_offsets_to_txn_request[]{string(), int64(), int16(), group()};
constexpr Field add_offsets_to_txn_response[]{int32(), error()};
constexpr Field end_txn_request[]{string(), int64(), int16(), int8()};
constexpr Field end_txn_response[]{int32(), error(), int64(5), int16(5)};
constexpr Field txn_offset_commit_request[]{string(), group(), int64(), int16(), int32(3), string(3), string(3),
    topics(), topic(), array(), partition(), int64(), int32(2), string(), end(), end()};
constexpr Field txn_offset_commit_response[]{int32(), array(), string(), array(), int32(), error(), end(), end()};
constexpr Field sasl_authenticate_request[]{bytes()};
constexpr Field sasl_authenticate_response[]{error(), string(), bytes(), int64(1)};
constexpr Field create_partitions_request[]{topics(), topic(), int32(), array(), list(), int32(), end(), end(),
    end(), int32(), int8()};
constexpr Field create_partitions_response[]{int32(), array(), string(), error(), string(), end()};
constexpr Field delete_groups_request[]{list(), group(), end()};
constexpr Field delete_groups_response[]{int32(), array(), string(), error(), end()};
constexpr Field offset_delete_request[]{group(), topics(), topic(), array(), partition(), end(), end()};
constexpr Field offset_delete_response[]{error(), int32(), array(), string(), array(), int32(), error(), end(),
    end()};
constexpr Field describe_configs_request[]{array(), int8(), string(), list(), string(), end(), end(), int8(1),
    int8(3)};
constexpr Field describe_configs_response[]{int32(), array(), error(), string(), int8(), string(), array(), string(),
    string(), int8(), int8(0, 0), int8(1), int8(), array(1), string(1), string(1), int8(1), end(), int8(3),
    string(3), end(), end()};

// Of the others only the error code of the response as a whole, or of each result, where its place is certain.
constexpr Field not_read[]{rest()};
constexpr Field group_first[]{group(), rest()};
constexpr Field error_first[]{error(), rest()};
constexpr Field throttle_and_error[]{int32(), error(), rest()};
constexpr Field create_acls_response[]{int32(), array(), error(), string(), end()};
constexpr Field alter_configs_response[]{int32(), array(), error(), string(), int8(), string(), end()};
constexpr Field describe_log_dirs_response[]{int32(), error(3), rest()};
constexpr Field elect_leaders_response[]{int32(), error(1), rest()};
constexpr Field alter_reassignments_response[]{int32(), int8(1), error(), rest()};
constexpr Field alter_scram_response[]{int32(), array(), string(), error(), string(), end()};

constexpr std::array<Api, keys_end> apis{{  // in order of their keys
    {"Produce", 13, 9, produce_request, produce_response},
    {"Fetch", 18, 12, fetch_request, fetch_response},
    {"ListOffsets", 11, 6, list_offsets_request, list_offsets_response},
    {"Metadata", 13, 9, metadata_request, metadata_response},
    {"LeaderAndIsr", 7, 4, not_read, error_first},
    {"StopReplica", 4, 2, not_read, error_first},
    {"UpdateMetadata", 8, 6, not_read, error_first},
    {"ControlledShutdown", 3, 3, not_read, error_first},
    {"OffsetCommit", 10, 8, offset_commit_request, offset_commit_response},
    {"OffsetFetch", 10, 6, offset_fetch_request, offset_fetch_response},
    {"FindCoordinator", 6, 3, find_coordinator_request, find_coordinator_response},
    {"JoinGroup", 9, 6, join_group_request, join_group_response},
    {"Heartbeat", 4, 4, heartbeat_request, heartbeat_response},
    {"LeaveGroup", 5, 4, leave_group_request, leave_group_response},
    {"SyncGroup", 5, 4, sync_group_request, sync_group_response},
    {"DescribeGroups", 6, 5, describe_groups_request, describe_groups_response},
    {"ListGroups", 5, 3, list_groups_request, list_groups_response},
    {"SaslHandshake", 1, never, sasl_handshake_request, sasl_handshake_response},
    {"ApiVersions", 4, 3, api_versions_request, api_versions_response},
    {"CreateTopics", 7, 5, create_topics_request, create_topics_response},
    {"DeleteTopics", 6, 4, delete_topics_request, delete_topics_response},
    {"DeleteRecords", 2, 2, delete_records_request, delete_records_response},
    {"InitProducerId", 5, 2, init_producer_id_request, init_producer_id_response},
    {"OffsetForLeaderEpoch", 4, 4, offset_for_leader_epoch_request, offset_for_leader_epoch_response},
    {"AddPartitionsToTxn", 5, 3, add_partitions_to_txn_request, add_partitions_to_txn_response},
    {"AddOffsetsToTxn", 4, 3, add_offsets_to_txn_request, add_offsets_to_txn_response},
    {"EndTxn", 5, 3, end_txn_request, end_txn_response},
    {"WriteTxnMarkers", 2, 1, not_read, not_read},
    {"TxnOffsetCommit", 5, 3, txn_offset_commit_request, txn_offset_commit_response},
    {"DescribeAcls", 3, 2, not_read, throttle_and_error},
    {"CreateAcls", 3, 2, not_read, create_acls_response},
    {"DeleteAcls", 3, 2, not_read, not_read},
    {"DescribeConfigs", 4, 4, describe_configs_request, describe_configs_response},
    {"AlterConfigs", 2, 2, not_read, alter_configs_response},
    {"AlterReplicaLogDirs", 2, 2, not_read, not_read},
    {"DescribeLogDirs", 4, 2, not_read, describe_log_dirs_response},
    {"SaslAuthenticate", 2, 2, sasl_authenticate_request, sasl_authenticate_response},
    {"CreatePartitions", 3, 2, create_partitions_request, create_partitions_response},
    {"CreateDelegationToken", 3, 2, not_read, error_first},
    {"RenewDelegationToken", 2, 2, not_read, error_first},
    {"ExpireDelegationToken", 2, 2, not_read, error_first},
    {"DescribeDelegationToken", 3, 2, not_read, error_first},
    {"DeleteGroups", 2, 2, delete_groups_request, delete_groups_response},
    {"ElectLeaders", 2, 2, not_read, elect_leaders_response},
    {"IncrementalAlterConfigs", 1, 1, not_read, alter_configs_response},
    {"AlterPartitionReassignments", 1, 0, not_read, alter_reassignments_response},
    {"ListPartitionReassignments", 0, 0, not_read, throttle_and_error},
    {"OffsetDelete", 0, never, offset_delete_request, offset_delete_response},
    {"DescribeClientQuotas", 1, 1, not_read, throttle_and_error},
    {"AlterClientQuotas", 1, 1, not_read, not_read},
    {"DescribeUserScramCredentials", 0, 0, not_read, throttle_and_error},
    {"AlterUserScramCredentials", 0, 0, not_read, alter_scram_response},
    {"Vote", 2, 0, not_read, error_first},
    {"BeginQuorumEpoch", 1, 1, not_read, error_first},
    {"EndQuorumEpoch", 1, 1, not_read, error_first},
    {"DescribeQuorum", 2, 0, not_read, error_first},
    {"AlterPartition", 3, 0, not_read, throttle_and_error},
    {"UpdateFeatures", 2, 0, not_read, throttle_and_error},
    {"Envelope", 0, 0, not_read, not_read},
    {"FetchSnapshot", 1, 0, not_read, throttle_and_error},
    {"DescribeCluster", 2, 0, not_read, throttle_and_error},
    {"DescribeProducers", 0, 0, not_read, not_read},
    {"BrokerRegistration", 4, 0, not_read, throttle_and_error},
    {"BrokerHeartbeat", 1, 0, not_read, throttle_and_error},
    {"UnregisterBroker", 0, 0, not_read, throttle_and_error},
    {"DescribeTransactions", 0, 0, not_read, not_read},
    {"ListTransactions", 2, 0, not_read, throttle_and_error},
    {"AllocateProducerIds", 0, 0, not_read, throttle_and_error},
    {"ConsumerGroupHeartbeat", 1, 0, group_first, throttle_and_error},
    {"ConsumerGroupDescribe", 1, 0, not_read, not_read},
    {"ControllerRegistration", 0, 0, not_read, throttle_and_error},
    {"GetTelemetrySubscriptions", 0, 0, not_read, throttle_and_error},
    {"PushTelemetry", 0, 0, not_read, throttle_and_error},
    {"AssignReplicasToDirs", 0, 0, not_read, throttle_and_error},
    {"ListConfigResources", 1, 0, not_read, throttle_and_error},
    {"DescribeTopicPartitions", 0, 0, not_read, not_read},
    {"ShareGroupHeartbeat", 1, 0, group_first, throttle_and_error},
    {"ShareGroupDescribe", 1, 0, not_read, not_read},
    {"ShareFetch", 2, 0, group_first, throttle_and_error},
    {"ShareAcknowledge", 2, 0, group_first, throttle_and_error},
    {"AddRaftVoter", 1, 0, not_read, throttle_and_error},
    {"RemoveRaftVoter", 0, 0, not_read, throttle_and_error},
    {"UpdateRaftVoter", 0, 0, not_read, throttle_and_error},
    {"InitializeShareGroupState", 0, 0, not_read, not_read},
    {"ReadShareGroupState", 0, 0, not_read, not_read},
    {"WriteShareGroupState", 1, 0, not_read, not_read},
    {"DeleteShareGroupState", 0, 0, not_read, not_read},
    {"ReadShareGroupStateSummary", 1, 0, not_read, not_read},
    {"StreamsGroupHeartbeat", 0, 0, group_first, throttle_and_error},
    {"StreamsGroupDescribe", 0, 0, not_read, not_read},
    {"DescribeShareGroupOffsets", 1, 0, not_read, not_read},
    {"AlterShareGroupOffsets", 0, 0, group_first, throttle_and_error},
    {"DeleteShareGroupOffsets", 0, 0, group_first, throttle_and_error},
}};
// clang-format on

}  // namespace

const Api* find_api(int key) { return key >= 0 && key < keys_end ? &apis[static_cast<std::size_t>(key)] : nullptr; }

}  // namespace subfloor::protocols::kafka
