"""Which tests elsewhere prove what, and why some things have no test.

Tests of this folder name what they prove by themselves (marker ``proves``); the
other tests stay as they are and are named here.
"""

from typing import Final

_DOMAIN: Final = "tests/unit/domain/"
_MESSAGE: Final = f"{_DOMAIN}test_rules_message.py::"
_TEXT: Final = f"{_DOMAIN}test_rules_text.py::"
_THREADS: Final = f"{_DOMAIN}test_rules_threads.py::"
_ADDRESS: Final = f"{_DOMAIN}test_rules_addressing.py::"
_SERVICES: Final = f"{_DOMAIN}test_rules_services.py::"
_CALENDAR: Final = f"{_DOMAIN}test_calendar.py::"
_THREAD: Final = f"{_DOMAIN}test_thread.py::"
_PERSONS: Final = f"{_DOMAIN}test_persons.py::TestIdentity::"
_THREADS_KEPT: Final = "tests/unit/test_threads.py::"
_ROUTING: Final = f"{_DOMAIN}test_routing.py::"
_ACCEPT: Final = "tests/unit/outbound/test_accept.py::"
_SWEEP: Final = "tests/unit/outbound/test_sweep.py::"
_REFUSALS: Final = "tests/unit/inbound/test_refusals.py::"
_KINDS: Final = "tests/unit/inbound/test_message_kinds.py::"
_DUPLICATES: Final = "tests/unit/inbound/test_duplicates.py::"
_CONFIRM: Final = "tests/unit/receipts/test_confirm.py::"
_CORRELATE: Final = "tests/unit/receipts/test_correlate.py::"
_APPREC: Final = "tests/unit/codecs/test_apprec_write.py::"
_PLAIN: Final = "tests/unit/codecs/test_plaintext.py::"
_WRITE: Final = "tests/unit/codecs/test_msghead_write.py::"
_CARRIERS: Final = "tests/unit/codecs/test_msghead_attachments.py::"

PROOFS: Final[dict[str, tuple[str, ...]]] = {
    "R-01": (
        f"{_MESSAGE}TestPatient::test_a_patient_who_could_be_anybody_is_refused",
        f"{_MESSAGE}TestPatient::test_a_message_about_nobody_is_refused",
        f"{_MESSAGE}TestPatient::test_name_birth_date_and_sex_are_enough",
        f"{_PERSONS}test_given_name_is_needed_too",
        f"{_ACCEPT}test_a_refused_message_is_recorded_told_and_not_sent",
    ),
    "R-02": (f"{_MESSAGE}TestKind::test_a_dialogue_may_start_on_either_side",),
    "R-03": (
        f"{_MESSAGE}TestPatient::test_only_a_hjelpenummer_is_refused",
        f"{_MESSAGE}TestPatient::test_a_hjelpenummer_beside_a_national_number_is_fine",
        f"{_MESSAGE}TestPatient::test_felles_hjelpenummer_can_be_allowed",
        f"{_ACCEPT}test_a_refused_message_is_recorded_told_and_not_sent",
        f"{_REFUSALS}test_a_document_that_cannot_be_taken_in_gets_one_negative_receipt",
    ),
    "R-04": (
        f"{_CONFIRM}test_without_the_epj_s_word_there_is_no_receipt",
        f"{_CONFIRM}test_stored_becomes_a_positive_receipt",
        f"{_CONFIRM}test_refused_becomes_a_negative_receipt_with_its_reasons",
    ),
    "R-05": (
        f"{_TEXT}TestLength::test_a_text_above_the_limit_is_remarked",
        f"{_TEXT}TestLength::test_the_limit_and_the_remark_are_configured",
    ),
    "R-06": (
        f"{_TEXT}TestOtherDocuments::test_such_a_heading_over_a_long_text_is_remarked",
        f"{_TEXT}TestOtherDocuments::test_mention_of_one_is_not_one",
    ),
    "R-10": (f"{_TEXT}TestPatientGroup::test_only_a_patient_known_to_be_none_of_them_is_remarked",),
    "R-11": (
        f"{_TEXT}TestWindow::test_from_referral_until_twelve_months_after_the_last_contact",
        f"{_TEXT}TestWindow::test_a_year_later_is_the_same_day_or_the_last_of_its_month",
        f"{_TEXT}TestWindow::test_the_rule_can_refuse_an_outgoing_message_and_never_an_incoming_one",
    ),
    "R-12": (
        f"{_TEXT}TestUrgency::test_each_term_is_remarked_and_marks_the_message",
        f"{_TEXT}TestUrgency::test_priority_counts",
        f"{_TEXT}TestUrgency::test_hastegrad_counts",
        f"{_TEXT}TestUrgency::test_every_field_in_words_is_looked_at",
    ),
    "R-15": (
        f"{_SERVICES}TestAdmittedPatients::test_the_hospital_uses_the_inpatient_address",
        f"{_SERVICES}TestAdmittedPatients::test_the_municipality_writes_to_the_inpatient_address",
        f"{_SERVICES}TestAdmittedPatients::test_a_message_at_the_wrong_one_is_followed_up",
        f"{_TEXT}TestWindow::test_the_window_is_not_for_admitted_patients",
        f"{_TEXT}TestWindow::test_the_window_is_not_for_addresses_of_admitted_patients",
        f"{_THREADS_KEPT}test_nobody_is_reminded_of_a_question_about_an_admitted_patient",
    ),
    "R-20": (
        f"{_CALENDAR}test_reply_time_counts_from_the_next_working_day",
        f"{_THREAD}test_reminder_and_overdue_count_working_days_over_easter",
        f"{_THREAD}test_reply_time_counts_from_the_receipt_once_there_is_one",
        f"{_THREADS_KEPT}test_unanswered_question_is_reminded_of_and_then_overdue_for_both",
        f"{_THREADS_KEPT}test_answer_ends_the_wait_on_both_sides_and_the_epj_is_told",
    ),
    "R-21": (
        f"{_CALENDAR}test_holidays_of_2026",
        f"{_CALENDAR}test_easter_sunday_is_where_almanacs_have_it",
        f"{_CALENDAR}test_the_day_after_17_may_on_a_sunday_is_a_working_day",
        f"{_CALENDAR}test_days_before_feasts_are_working_days_unless_decided_otherwise",
        f"{_CALENDAR}test_saturday_counts_only_by_choice_and_sunday_never",
    ),
    "R-22": (
        f"{_THREAD}test_question_with_an_end_is_never_late",
        f"{_THREADS_KEPT}test_question_closed_by_a_person_is_not_reminded_of",
    ),
    "R-30": (
        f"{_SERVICES}TestFirstLine::test_an_address_with_several_behind_it_wants_a_name",
        f"{_SERVICES}TestFirstLine::test_only_places_can_be_asked_to_be_named",
        f"{_SERVICES}TestFirstLine::test_an_answer_needs_no_name",
    ),
    "R-31": (
        f"{_TEXT}TestAuthor::test_a_signature_in_the_last_lines_is_enough",
        f"{_TEXT}TestAuthor::test_a_structured_author_is_enough",
        f"{_TEXT}TestAuthor::test_nobody_in_either_place_is_remarked",
    ),
    "R-32": (
        f"{_TEXT}TestReference::test_a_new_thread_without_any_is_remarked",
        f"{_TEXT}TestReference::test_a_document_or_a_date_is_a_reference",
    ),
    "R-33": (
        f"{_TEXT}TestAbbreviations::test_listed_words_are_remarked_whole",
        f"{_TEXT}TestAbbreviations::test_there_is_no_list_by_default",
    ),
    "R-34": (
        f"{_MESSAGE}TestEmptyText::test_an_empty_request_is_not_sent_and_followed_up_when_received",
        f"{_MESSAGE}TestEmptyText::test_an_answer_without_text_is_treated_the_same",
        f"{_MESSAGE}TestEmptyText::test_an_incoming_code_may_say_it_all",
    ),
    "R-35": (
        f"{_MESSAGE}TestMarkup::test_markup_that_loses_nothing_is_turned_into_text",
        f"{_MESSAGE}TestMarkup::test_markup_that_text_cannot_carry_refuses_only_outgoing",
        f"{_PLAIN}test_markup_without_loss_is_flattened",
        f"{_PLAIN}test_markup_that_says_more_than_its_text_is_lossy",
    ),
    "R-36": (
        f"{_MESSAGE}TestAttachments::test_outgoing_attachments_are_removed_and_incoming_refused",
        f"{_MESSAGE}TestAttachments::test_the_other_policy_refuses_outgoing_and_removes_incoming",
        f"{_MESSAGE}TestAttachments::test_removal_that_would_break_a_signature_refuses",
        f"{_MESSAGE}TestAttachments::test_what_counts_is_the_text_that_is_left",
        f"{_CARRIERS}test_what_is_left_of_the_text_is_known_before_anything_is_removed",
        f"{_CARRIERS}test_every_carrier_is_seen_once",
        f"{_ACCEPT}TestAttachments::test_stripped_attachment_is_listed_and_does_not_leave",
        f"{_ACCEPT}TestAttachments::test_by_policy_it_is_refused",
        f"{_REFUSALS}TestAttachments::test_stripped_attachment_leaves_the_text_and_a_follow_up",
        f"{_REFUSALS}TestAttachments::test_a_further_signed_part_is_an_attachment_wherever_it_stands",
    ),
    "R-37": (
        f"{_TEXT}test_a_pasted_list_with_tabs_and_line_breaks_is_nobodys_business",
        f"{_PLAIN}test_any_text_survives_exactly",
        f"{_WRITE}test_a_text_of_100_000_characters_with_tabs_and_line_ends_survives",
    ),
    "R-38": (
        f"{_ADDRESS}TestCopyReceivers::test_a_copy_receiver_is_refused_outgoing_and_tolerated_incoming",
        f"{_SERVICES}TestMixedSpecialties::test_two_services_in_one_text_are_remarked",
    ),
    "R-39": (
        f"{_THREADS}test_another_matter_in_a_thread_is_not_sent_and_flagged_when_received",
        f"{_THREADS}test_all_mismatches_are_reported_at_once",
        f"{_THREADS}test_patients_that_cannot_be_compared_are_remarked_on_and_never_refused",
        f"{_THREADS}test_an_unknown_parent_makes_a_new_thread_with_a_flag",
        f"{_THREADS_KEPT}test_answer_about_another_patient_is_not_sent",
        f"{_THREADS_KEPT}test_answer_may_identify_the_patient_in_another_way_than_the_question",
        f"{_THREADS_KEPT}test_answer_that_names_another_conversation_is_not_sent",
    ),
    "R-40": (
        f"{_MESSAGE}TestKind::test_only_request_and_answer_are_permitted",
        f"{_MESSAGE}TestKind::test_the_hyphen_is_read_only_when_configured_and_only_incoming",
        f"{_ACCEPT}test_a_refused_message_is_recorded_told_and_not_sent",
    ),
    "R-41": (
        f"{_MESSAGE}TestContent::test_content_that_does_not_fit_the_kind_is_refused",
        f"{_MESSAGE}TestContent::test_version_1_1_is_another_format_unless_agreed",
    ),
    "R-43": (
        f"{_THREADS}test_an_answer_without_reference_is_remarked",
        f"{_THREADS}test_an_answer_that_does_not_repeat_the_question_is_remarked",
        f"{_THREADS_KEPT}test_question_is_put_into_an_answer_that_does_not_repeat_it",
        f"{_THREADS_KEPT}test_every_question_of_several_is_repeated",
        f"{_THREADS_KEPT}test_question_whose_text_declares_its_type_is_repeated_as_text",
    ),
    "R-42": (
        f"{_KINDS}test_envelope_of_another_kind_than_its_document_is_refused",
        f"{_KINDS}test_service_fits_its_kind_with_or_without_prefix_in_any_letter_case",
        f"{_KINDS}test_hyphen_is_read_alike_in_document_envelope_and_thread",
    ),
    "R-44": (
        f"{_MESSAGE}TestKind::test_a_deviation_is_taken_in_for_the_message_responsible_and_not_sent",
        f"{_MESSAGE}TestKind::test_deviations_can_be_refused_by_configuration",
        f"{_REFUSALS}TestDeviation::test_it_is_answered_at_once_and_never_reaches_the_epj",
        f"{_REFUSALS}TestDeviation::test_an_operator_is_told_and_can_read_it",
    ),
    "R-50": (
        f"{_TEXT}TestConfirmations::test_a_mere_confirmation_is_remarked",
        f"{_TEXT}TestConfirmations::test_anything_more_is_a_message",
        f"{_TEXT}TestConfirmations::test_an_answer_that_only_confirms_is_remarked_or_refused",
    ),
    "R-63": (
        f"{_SWEEP}test_without_a_receipt_in_96_hours_from_gen_date_a_person_is_told",
        f"{_SWEEP}test_a_late_receipt_clears_the_alarm",
        f"{_SWEEP}test_a_missing_receipt_is_marked_more_seriously_with_time",
        f"{_CORRELATE}test_a_negative_receipt_refuses_in_the_partner_s_words",
        f"{_CORRELATE}TestOrphans::test_one_for_nothing_we_know_is_a_letter_after_a_day",
    ),
    "R-64": (
        f"{_CONFIRM}test_the_same_again_is_no_news",
        f"{_DUPLICATES}test_a_known_document_in_a_new_envelope_is_acknowledged_and_not_passed_on",
        f"{_DUPLICATES}test_the_same_msg_id_with_other_content_is_inconsistent_and_gets_no_receipt",
    ),
    "R-65": (
        f"{_ADDRESS}TestIncomingAddress::test_a_person_of_ours_is_filed_by_the_message_responsible",
    ),
    "R-66": (
        f"{_ADDRESS}TestIncomingAddress::test_another_receiver_than_on_the_envelope_is_answered_with_e21",
        f"{_ADDRESS}TestIncomingAddress::test_another_sender_than_on_the_envelope_or_in_the_register_is_answered_with_e21",
        f"{_ADDRESS}TestIncomingAddress::test_a_sender_without_her_id_is_followed_up",
    ),
    "R-67": (
        f"{_MESSAGE}TestContent::test_a_msg_id_that_is_no_uuid_is_refused",
        f"{_REFUSALS}test_a_document_that_cannot_be_taken_in_gets_one_negative_receipt",
    ),
    "R-70": (
        f"{_ADDRESS}TestIncomingAddress::test_a_message_to_one_of_our_services_is_fine",
        f"{_ADDRESS}TestIncomingAddress::test_a_receiver_that_is_no_service_of_ours_is_answered_with_e21",
        f"{_ADDRESS}TestIncomingAddress::test_e21_can_be_switched_off",
    ),
    "R-72": (
        f"{_SERVICES}TestReceivingServices::test_the_hospital_writes_to_each_municipal_service",
        f"{_SERVICES}TestReceivingServices::test_each_service_of_the_hospital_can_be_written_to",
        f"{_SERVICES}TestReceivingServices::test_a_general_practitioners_service_is_refused_by_default",
        f"{_SERVICES}TestReceivingServices::test_a_person_in_the_address_book_is_permitted",
    ),
    "R-73": (
        f"{_SERVICES}TestChoiceOfMunicipalService::test_some_presuppose_a_decision_on_services",
    ),
    "R-74": (
        f"{_SERVICES}TestChoiceOfMunicipalService::test_case_work_is_for_new_patients_or_increased_need",
    ),
    "R-75": (
        f"{_SERVICES}TestChoiceOfMunicipalService::test_some_presuppose_a_decision_on_services",
    ),
    "R-76": (f"{_SERVICES}TestChoiceOfMunicipalService::test_helsestasjon_is_for_children",),
    "R-77": (f"{_SERVICES}TestChoiceOfMunicipalService::test_the_midwifes_patient_is_the_mother",),
    "R-80": (f"{_SERVICES}TestReceivingServices::test_any_municipal_service_may_start_a_dialogue",),
    "R-81": (
        f"{_SERVICES}TestChoiceOfMunicipalService::test_odd_pairs_are_remarked_only_when_configured",
        f"{_SERVICES}test_an_answer_to_the_hospital_is_never_an_odd_pair",
    ),
    "R-82": (
        f"{_ADDRESS}TestOutgoingAddress::test_a_receiver_that_cannot_be_resolved_is_refused",
        f"{_ADDRESS}TestOutgoingAddress::test_a_sender_that_is_not_ours_is_refused",
        f"{_ADDRESS}TestOutgoingAddress::test_another_name_than_the_registers_is_remarked",
        f"{_ROUTING}test_sender_only_address_is_never_a_receiver",
    ),
    "R-83": (
        f"{_THREADS}test_an_answer_comes_from_the_service_that_got_the_request",
        f"{_THREADS_KEPT}test_answer_from_a_service_that_was_not_asked_is_not_sent",
    ),
    "R-84": (
        f"{_ADDRESS}TestOutgoingAddress::test_a_receiver_that_cannot_be_reached_is_refused",
        f"{_ACCEPT}test_no_certificate_to_seal_for_is_a_refusal",
    ),
    "apprec-5": (
        f"{_APPREC}TestMirror::test_sender_and_receiver_change_places",
        f"{_APPREC}TestMirror::test_all_idents_come_back_with_the_her_id_first",
        f"{_APPREC}TestMirror::test_department_comes_back_with_all_its_idents",
    ),
    "apprec-6": (
        f"{_APPREC}TestMirror::test_person_who_signs_beside_a_department_does_not_come_back",
    ),
    "apprec-10": (f"{_APPREC}TestMirror::test_roles_follow_version_and_place",),
    "apprec-13": (
        f"{_CORRELATE}test_everything_twice_is_no_news",
        f"{_CORRELATE}test_the_first_answer_stands_and_a_second_other_one_is_an_alarm",
    ),
    "T01": (f"{_REFUSALS}test_an_unreadable_document_is_answered_from_its_envelope",),
    "T10": (f"{_MESSAGE}TestKind::test_only_request_and_answer_are_permitted",),
    "E36": (f"{_MESSAGE}TestPatient::test_only_a_hjelpenummer_is_refused",),
    "T99": (f"{_APPREC}TestReceiptError::test_general_code_never_goes_without_a_text",),
    "S99": (f"{_APPREC}TestReceiptError::test_general_code_never_goes_without_a_text",),
    "X99": (
        f"{_APPREC}TestReceiptError::test_general_code_never_goes_without_a_text",
        f"{_APPREC}TestReceiptError::test_unknown_or_missing_code_becomes_x99_with_the_text",
    ),
}
"""What is proven by tests outside this folder: the id of a rule, code or test to node ids."""

ORGANISATIONAL: Final = "organisational: nothing that a message shows; no program can decide it"

NO_TEST: Final[dict[str, str]] = {
    "R-07": "states the purpose; forbids nothing",
    "R-13": ORGANISATIONAL,
    "R-14": ORGANISATIONAL,
    "R-60": ORGANISATIONAL,
    "R-61": ORGANISATIONAL,
    "R-62": ORGANISATIONAL,
    "R-71": ORGANISATIONAL,
}
"""Rules without a test, each with the reason."""
