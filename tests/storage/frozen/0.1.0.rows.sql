INSERT INTO "sandboxes" VALUES('default','b321313da580641965b0e91d6a7710a5a524d3e5e4e990a33da966eb7e75d589',7,'Asia/Shanghai','manual',1770609600000,1767578400000,0,3,'[]',1767578400000,NULL,1,0,'none',1770609600000,0,2,'{"auto_debit":"whsec_U/H1BpMtbZVfgpVf29q3M9SB8prZYIQC8ZibJNXz/0g=","bank_card":"whsec_GSYmrhS2x5+vQWqW4LBjUo5m7p44dq1hTfIdO9alrmY=","bank_transfer":"whsec_pZNhPRiZQE1XBTR1n/cIQu+41j2Ii9w+VSAaBpLc4Cs=","bill_pay":"whsec_UsbcoGcpB8ZG5bdeYoqWz02Myrgvcbxnbu+PdcQ9+sM=","wallet":"whsec_vEtkhlkfJt7NXBMZIsJcXC5oPd9+egpbIKHT5LVj018="}',0,0,NULL,'shown',NULL);

INSERT INTO "transactions" VALUES('default','loan_askzqhztz5dg2nss2dhj',1,'txn_askzqhztz5dg2nss2dhj_1','disbursement_accepted','2026-01-05',1767578400000,NULL,'loan_askzqhztz5dg2nss2dhj',NULL,NULL,'CNY','0000000000000000000000000000000000000000000000000000000000000000','09b86514efc629b0cb00d7ca07b4c87cf7e6565abff3916aa527dfb29ee37e0a');

INSERT INTO "transactions" VALUES('default','loan_askzqhztz5dg2nss2dhj',2,'txn_askzqhztz5dg2nss2dhj_2','disbursement_confirmed','2026-01-05',1767578400000,NULL,'loan_askzqhztz5dg2nss2dhj',NULL,NULL,'CNY','09b86514efc629b0cb00d7ca07b4c87cf7e6565abff3916aa527dfb29ee37e0a','3d797977604c32bfa15e2473fc2b242ca1595942b88c6e9dd84c1c7ece7cd9fb');

INSERT INTO "transactions" VALUES('default','loan_askzqhztz5dg2nss2dhj',3,'txn_askzqhztz5dg2nss2dhj_3','receipt','2026-01-05',1767578402000,NULL,'rpy_sitje5tcog5klcekytzo',NULL,NULL,'CNY','3d797977604c32bfa15e2473fc2b242ca1595942b88c6e9dd84c1c7ece7cd9fb','5961b626c86531b107288f8f2677b5f46870124d9975384c6d98493eab837cdf');

INSERT INTO "transactions" VALUES('default','loan_askzqhztz5dg2nss2dhj',4,'txn_askzqhztz5dg2nss2dhj_4','repayment','2026-01-05',1767578402000,NULL,'rpy_sitje5tcog5klcekytzo',NULL,NULL,'CNY','5961b626c86531b107288f8f2677b5f46870124d9975384c6d98493eab837cdf','e5995263bb3dafba23ff0e07922633c41262e4a676796db6dcbdf79ca650c249');

INSERT INTO "transactions" VALUES('default','loan_tq3qtdl5426zp4lgncw2',1,'txn_tq3qtdl5426zp4lgncw2_1','disbursement_accepted','2026-01-05',1767585600000,NULL,'loan_tq3qtdl5426zp4lgncw2',NULL,NULL,'CNY','0000000000000000000000000000000000000000000000000000000000000000','4e77b00d588b20273849e1e9d92bfae08778234782bb29118399004213f94d17');

INSERT INTO "transactions" VALUES('default','loan_tq3qtdl5426zp4lgncw2',2,'txn_tq3qtdl5426zp4lgncw2_2','disbursement_confirmed','2026-01-05',1767585600000,NULL,'loan_tq3qtdl5426zp4lgncw2',NULL,NULL,'CNY','4e77b00d588b20273849e1e9d92bfae08778234782bb29118399004213f94d17','6339ac0948590bfb60806639d55dea7ceaaf0a00bf8b4977bd7c6fa09a915f85');

INSERT INTO "transactions" VALUES('default','loan_zhwilffvc2p4lx2vsual',1,'txn_zhwilffvc2p4lx2vsual_1','disbursement_accepted','2026-01-05',1767585600000,NULL,'loan_zhwilffvc2p4lx2vsual',NULL,NULL,'CNY','0000000000000000000000000000000000000000000000000000000000000000','9e08e10a647d0fe8e0df825d1e5081b94569b1eee2d1c68ac5e413ca30695eb1');

INSERT INTO "transactions" VALUES('default','loan_zhwilffvc2p4lx2vsual',2,'txn_zhwilffvc2p4lx2vsual_2','disbursement_confirmed','2026-01-05',1767585600000,NULL,'loan_zhwilffvc2p4lx2vsual',NULL,NULL,'CNY','9e08e10a647d0fe8e0df825d1e5081b94569b1eee2d1c68ac5e413ca30695eb1','fc41ab10a7b4342469dbf2c4704b8fc7cea22f0d3eca8def4f86027eb3840770');

INSERT INTO "transactions" VALUES('default','loan_tq3qtdl5426zp4lgncw2',3,'txn_tq3qtdl5426zp4lgncw2_3','receipt','2026-01-05',1767585605000,NULL,'rpy_akklgukrw7rpxeyehjgd',NULL,NULL,'CNY','6339ac0948590bfb60806639d55dea7ceaaf0a00bf8b4977bd7c6fa09a915f85','e721b80c69ea2ffbaab2e72b9c136782344c7e2535651de4819fd1bcb498f4f6');

INSERT INTO "transactions" VALUES('default','loan_tq3qtdl5426zp4lgncw2',4,'txn_tq3qtdl5426zp4lgncw2_4','repayment','2026-01-05',1767585605000,NULL,'rpy_akklgukrw7rpxeyehjgd',NULL,NULL,'CNY','e721b80c69ea2ffbaab2e72b9c136782344c7e2535651de4819fd1bcb498f4f6','83a0a807b504fc609e056d8d447bd4379cc999da5926bde1494eae1202d49232');

INSERT INTO "transactions" VALUES('default','loan_zhwilffvc2p4lx2vsual',3,'txn_zhwilffvc2p4lx2vsual_3','receipt','2026-01-05',1767587400000,NULL,'rpy_ulg4bjmtoknj3fak266z',NULL,NULL,'CNY','fc41ab10a7b4342469dbf2c4704b8fc7cea22f0d3eca8def4f86027eb3840770','246523af102e23b1b57e8708b39c830932ac45808e4a7f15669372e3d3c13603');

INSERT INTO "transactions" VALUES('default','loan_zhwilffvc2p4lx2vsual',4,'txn_zhwilffvc2p4lx2vsual_4','repayment','2026-01-05',1767587400000,NULL,'rpy_ulg4bjmtoknj3fak266z',NULL,NULL,'CNY','246523af102e23b1b57e8708b39c830932ac45808e4a7f15669372e3d3c13603','5331144c77e340f025032129a21b8625db9b0b1c59bdfcee7364614b19ed8348');

INSERT INTO "transactions" VALUES('default','loan_askzqhztz5dg2nss2dhj',5,'txn_askzqhztz5dg2nss2dhj_5','accrual','2026-01-06',1770307200000,NULL,'loan_askzqhztz5dg2nss2dhj','2026-01-05','2026-01-06','CNY','e5995263bb3dafba23ff0e07922633c41262e4a676796db6dcbdf79ca650c249','f5f0a80919c328d4c2d34f9b5d27d557d19289c4b066218bbf1f5a5b91e2fddf');

INSERT INTO "transactions" VALUES('default','loan_askzqhztz5dg2nss2dhj',6,'txn_askzqhztz5dg2nss2dhj_6','accrual','2026-02-05',1770307200000,NULL,'loan_askzqhztz5dg2nss2dhj','2026-01-06','2026-02-05','CNY','f5f0a80919c328d4c2d34f9b5d27d557d19289c4b066218bbf1f5a5b91e2fddf','d9c9e2b7df84f8dadb1029b81a738bcf830c335ede07482eff7bab54481e9321');

INSERT INTO "transactions" VALUES('default','loan_tq3qtdl5426zp4lgncw2',5,'txn_tq3qtdl5426zp4lgncw2_5','accrual','2026-01-06',1770307200000,NULL,'loan_tq3qtdl5426zp4lgncw2','2026-01-05','2026-01-06','CNY','83a0a807b504fc609e056d8d447bd4379cc999da5926bde1494eae1202d49232','f45a52867e024b453aa77bf1ebfc15825013f1bf8db2a1646bbfca6bed97b99c');

INSERT INTO "transactions" VALUES('default','loan_tq3qtdl5426zp4lgncw2',6,'txn_tq3qtdl5426zp4lgncw2_6','accrual','2026-02-05',1770307200000,NULL,'loan_tq3qtdl5426zp4lgncw2','2026-01-06','2026-02-05','CNY','f45a52867e024b453aa77bf1ebfc15825013f1bf8db2a1646bbfca6bed97b99c','27b48ee7ef871eb4438286d5f84e193db23bb0b078e7139d44f4b6f20d805a13');

INSERT INTO "transactions" VALUES('default','loan_zhwilffvc2p4lx2vsual',5,'txn_zhwilffvc2p4lx2vsual_5','accrual','2026-01-06',1770307200000,NULL,'loan_zhwilffvc2p4lx2vsual','2026-01-05','2026-01-06','CNY','5331144c77e340f025032129a21b8625db9b0b1c59bdfcee7364614b19ed8348','cca2b5cd7262f933da2687476a3b24e594f7196644099752b43eb4711c4f382d');

INSERT INTO "transactions" VALUES('default','loan_zhwilffvc2p4lx2vsual',6,'txn_zhwilffvc2p4lx2vsual_6','accrual','2026-02-05',1770307200000,NULL,'loan_zhwilffvc2p4lx2vsual','2026-01-06','2026-02-05','CNY','cca2b5cd7262f933da2687476a3b24e594f7196644099752b43eb4711c4f382d','8f0b3fe4d40250b7a54bdaa7bdc13503d071668088c380885081d7e61feaef9d');

INSERT INTO "advances" VALUES('default',1,'','done',1767578400000,1767585600000,'{"now": "2026-01-05T04:00:00.000Z", "released": [{"at": "2026-01-05T02:00:02.000Z", "kind": "settlement", "id": "MLSITJE5TCOG5KLCEKYTZO", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T02:00:02.000Z", "kind": "callback", "id": "cb_sitje5tcog5klcekytzo", "loan_id": "loan_askzqhztz5dg2nss2dhj"}], "released_total": 2, "released_more": false, "released_by_kind": {"callback": 1, "settlement": 1}}');

INSERT INTO "advances" VALUES('default',2,'','done',1767585600000,1770609600000,'{"now": "2026-02-09T04:00:00.000Z", "released": [{"at": "2026-01-05T04:00:02.000Z", "kind": "settlement", "id": "MLDC7BH3WCCXZM5PVPQ6DV", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T04:00:02.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T04:00:05.000Z", "kind": "settlement", "id": "MLAKKLGUKRW7RPXEYEHJGD", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:00:05.000Z", "kind": "settlement", "id": "MLHV6Z7O7PCGOQ6HGIS4Y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:00:05.000Z", "kind": "callback", "id": "cb_akklgukrw7rpxeyehjgd", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:00:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:00:07.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T04:00:20.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:00:35.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:01:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:04:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:05:07.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T04:14:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:30:00.000Z", "kind": "settlement", "id": "MLULG4BJMTOKNJ3FAK266Z", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T04:30:00.000Z", "kind": "settlement", "id": "MLXLKIYPZ4HJGE7OZYF5DB", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T04:30:00.000Z", "kind": "callback", "id": "cb_ulg4bjmtoknj3fak266z", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T04:30:00.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T04:30:05.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T04:34:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T04:35:05.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T04:35:07.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T05:04:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T05:05:05.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T05:34:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T06:04:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T06:35:07.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T07:04:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T07:05:05.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T10:04:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T11:35:07.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T12:05:05.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T13:04:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T16:00:00.000Z", "kind": "bureau", "id": "loan_askzqhztz5dg2nss2dhj", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T16:00:00.000Z", "kind": "bureau", "id": "loan_tq3qtdl5426zp4lgncw2", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T16:00:00.000Z", "kind": "bureau", "id": "loan_zhwilffvc2p4lx2vsual", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-05T16:04:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T21:35:07.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-05T22:04:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-05T22:05:05.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-06T02:00:02.000Z", "kind": "view", "id": "loan_askzqhztz5dg2nss2dhj", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-06T04:00:05.000Z", "kind": "view", "id": "loan_tq3qtdl5426zp4lgncw2", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-06T04:04:05.000Z", "kind": "callback", "id": "cb_hv6z7o7pcgoq6hgis4y5", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-06T04:30:00.000Z", "kind": "view", "id": "loan_zhwilffvc2p4lx2vsual", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-06T11:35:07.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-06T12:05:05.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-07T07:35:07.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-07T08:05:05.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-08T07:35:07.000Z", "kind": "callback", "id": "cb_dc7bh3wccxzm5pvpq6dv", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-08T08:05:05.000Z", "kind": "callback", "id": "cb_xlkiypz4hjge7ozyf5db", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-01-31T16:00:00.000Z", "kind": "bureau", "id": "loan_askzqhztz5dg2nss2dhj", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-01-31T16:00:00.000Z", "kind": "bureau", "id": "loan_tq3qtdl5426zp4lgncw2", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-01-31T16:00:00.000Z", "kind": "bureau", "id": "loan_zhwilffvc2p4lx2vsual", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-02-05T16:00:00.000Z", "kind": "due_date", "id": "loan_askzqhztz5dg2nss2dhj", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-02-05T16:00:00.000Z", "kind": "due_date", "id": "loan_tq3qtdl5426zp4lgncw2", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-02-05T16:00:00.000Z", "kind": "due_date", "id": "loan_zhwilffvc2p4lx2vsual", "loan_id": "loan_zhwilffvc2p4lx2vsual"}, {"at": "2026-02-06T16:00:00.000Z", "kind": "bureau", "id": "loan_tq3qtdl5426zp4lgncw2", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-02-06T16:00:00.000Z", "kind": "view", "id": "loan_askzqhztz5dg2nss2dhj", "loan_id": "loan_askzqhztz5dg2nss2dhj"}, {"at": "2026-02-06T16:00:00.000Z", "kind": "view", "id": "loan_tq3qtdl5426zp4lgncw2", "loan_id": "loan_tq3qtdl5426zp4lgncw2"}, {"at": "2026-02-06T16:00:00.000Z", "kind": "view", "id": "loan_zhwilffvc2p4lx2vsual", "loan_id": "loan_zhwilffvc2p4lx2vsual"}], "released_total": 59, "released_more": false, "released_by_kind": {"bureau": 7, "callback": 38, "due_date": 3, "settlement": 5, "view": 6}}');

INSERT INTO "alembic_version" VALUES('platform_0001');

INSERT INTO "alembic_version" VALUES('faults_0001');

INSERT INTO "book_facts" VALUES('default','loan_askzqhztz5dg2nss2dhj','loan_askzqhztz5dg2nss2dhj','disbursement',1767578400000,'2026-01-05',100000,'bank_transfer',NULL,NULL,NULL,NULL,NULL,0,1767578400000,1);

INSERT INTO "book_facts" VALUES('default','loan_askzqhztz5dg2nss2dhj','rpy_sitje5tcog5klcekytzo','receipt',1767578402000,'2026-01-05',9500,'wallet','OVD_AND_CURRENT',NULL,NULL,NULL,NULL,0,1767578402000,2);

INSERT INTO "book_facts" VALUES('default','loan_tq3qtdl5426zp4lgncw2','loan_tq3qtdl5426zp4lgncw2','disbursement',1767585600000,'2026-01-05',100000,'bank_transfer',NULL,NULL,NULL,NULL,NULL,0,1767585600000,1);

INSERT INTO "book_facts" VALUES('default','loan_zhwilffvc2p4lx2vsual','loan_zhwilffvc2p4lx2vsual','disbursement',1767585600000,'2026-01-05',100000,'bank_transfer',NULL,NULL,NULL,NULL,NULL,0,1767585600000,1);

INSERT INTO "book_facts" VALUES('default','loan_tq3qtdl5426zp4lgncw2','rpy_akklgukrw7rpxeyehjgd','receipt',1767585605000,'2026-01-05',3000,'bank_card','OVD_AND_CURRENT',NULL,NULL,NULL,NULL,0,1767585605000,2);

INSERT INTO "book_facts" VALUES('default','loan_zhwilffvc2p4lx2vsual','rpy_ulg4bjmtoknj3fak266z','receipt',1767587400000,'2026-01-05',9500,'bank_transfer','OVD_AND_CURRENT',NULL,NULL,NULL,NULL,0,1767587400000,2);

INSERT INTO "borrowers" VALUES('default','brw_q6gtsyybqah72kjmfjnw','b0','Ada''s 张',5000000,1767578400000);

INSERT INTO "borrowers" VALUES('default','brw_kr2y3mrn4lr4i3pga3oz','b1','Ada''s 张',5000000,1767585600000);

INSERT INTO "borrowers" VALUES('default','brw_hci6ludpalbx27im2kyy','b2','Ada''s 张',5000000,1767585600000);

INSERT INTO "bureau_accounts" VALUES('default','loan_askzqhztz5dg2nss2dhj','brw_q6gtsyybqah72kjmfjnw',1772294400000,2,'USING','*','2026-01-01','[]',NULL,NULL,NULL,1769961600000);

INSERT INTO "bureau_accounts" VALUES('default','loan_tq3qtdl5426zp4lgncw2','brw_kr2y3mrn4lr4i3pga3oz',1772294400000,3,'OVD','*1','2026-02-01','[]',NULL,NULL,NULL,1770480000000);

INSERT INTO "bureau_accounts" VALUES('default','loan_zhwilffvc2p4lx2vsual','brw_hci6ludpalbx27im2kyy',1772294400000,2,'USING','*','2026-01-01','[]',NULL,NULL,NULL,1769961600000);

INSERT INTO "bureau_records" VALUES('default','bcr_askzqhztz5dg2nss2dhj_1','loan_askzqhztz5dg2nss2dhj','brw_q6gtsyybqah72kjmfjnw',1,'change',NULL,'2026-01-05','USING','NORMAL',0,91784,0,'*','2026-01-01','{"as_of":"2026-01-05","balance_minor":91784,"borrower_id":"brw_q6gtsyybqah72kjmfjnw","cause":"change","currency":"CNY","days_overdue":0,"five_class":"NORMAL","loan_id":"loan_askzqhztz5dg2nss2dhj","month":"2026-01","month_status":"*","opened":"2026-01-05","overdue_minor":0,"principal_minor":100000,"record":"bcr_askzqhztz5dg2nss2dhj_1","status":"USING"}',1767628800000,1767636000000,1767715200000);

INSERT INTO "bureau_records" VALUES('default','bcr_tq3qtdl5426zp4lgncw2_1','loan_tq3qtdl5426zp4lgncw2','brw_kr2y3mrn4lr4i3pga3oz',1,'change',NULL,'2026-01-05','USING','NORMAL',0,97000,0,'*','2026-01-01','{"as_of":"2026-01-05","balance_minor":97000,"borrower_id":"brw_kr2y3mrn4lr4i3pga3oz","cause":"change","currency":"CNY","days_overdue":0,"five_class":"NORMAL","loan_id":"loan_tq3qtdl5426zp4lgncw2","month":"2026-01","month_status":"*","opened":"2026-01-05","overdue_minor":0,"principal_minor":100000,"record":"bcr_tq3qtdl5426zp4lgncw2_1","status":"USING"}',1767628800000,1767636000000,1767715200000);

INSERT INTO "bureau_records" VALUES('default','bcr_zhwilffvc2p4lx2vsual_1','loan_zhwilffvc2p4lx2vsual','brw_hci6ludpalbx27im2kyy',1,'change',NULL,'2026-01-05','USING','NORMAL',0,91784,0,'*','2026-01-01','{"as_of":"2026-01-05","balance_minor":91784,"borrower_id":"brw_hci6ludpalbx27im2kyy","cause":"change","currency":"CNY","days_overdue":0,"five_class":"NORMAL","loan_id":"loan_zhwilffvc2p4lx2vsual","month":"2026-01","month_status":"*","opened":"2026-01-05","overdue_minor":0,"principal_minor":100000,"record":"bcr_zhwilffvc2p4lx2vsual_1","status":"USING"}',1767628800000,1767636000000,1767715200000);

INSERT INTO "bureau_records" VALUES('default','bcr_askzqhztz5dg2nss2dhj_2','loan_askzqhztz5dg2nss2dhj','brw_q6gtsyybqah72kjmfjnw',2,'monthly',NULL,'2026-01-31','USING','NORMAL',0,91784,0,'*','2026-01-01','{"as_of":"2026-01-31","balance_minor":91784,"borrower_id":"brw_q6gtsyybqah72kjmfjnw","cause":"monthly","currency":"CNY","days_overdue":0,"five_class":"NORMAL","loan_id":"loan_askzqhztz5dg2nss2dhj","month":"2026-01","month_status":"*","opened":"2026-01-05","overdue_minor":0,"principal_minor":100000,"record":"bcr_askzqhztz5dg2nss2dhj_2","status":"USING"}',1769875200000,1769882400000,1769961600000);

INSERT INTO "bureau_records" VALUES('default','bcr_tq3qtdl5426zp4lgncw2_2','loan_tq3qtdl5426zp4lgncw2','brw_kr2y3mrn4lr4i3pga3oz',2,'monthly',NULL,'2026-01-31','USING','NORMAL',0,97000,0,'*','2026-01-01','{"as_of":"2026-01-31","balance_minor":97000,"borrower_id":"brw_kr2y3mrn4lr4i3pga3oz","cause":"monthly","currency":"CNY","days_overdue":0,"five_class":"NORMAL","loan_id":"loan_tq3qtdl5426zp4lgncw2","month":"2026-01","month_status":"*","opened":"2026-01-05","overdue_minor":0,"principal_minor":100000,"record":"bcr_tq3qtdl5426zp4lgncw2_2","status":"USING"}',1769875200000,1769882400000,1769961600000);

INSERT INTO "bureau_records" VALUES('default','bcr_zhwilffvc2p4lx2vsual_2','loan_zhwilffvc2p4lx2vsual','brw_hci6ludpalbx27im2kyy',2,'monthly',NULL,'2026-01-31','USING','NORMAL',0,91784,0,'*','2026-01-01','{"as_of":"2026-01-31","balance_minor":91784,"borrower_id":"brw_hci6ludpalbx27im2kyy","cause":"monthly","currency":"CNY","days_overdue":0,"five_class":"NORMAL","loan_id":"loan_zhwilffvc2p4lx2vsual","month":"2026-01","month_status":"*","opened":"2026-01-05","overdue_minor":0,"principal_minor":100000,"record":"bcr_zhwilffvc2p4lx2vsual_2","status":"USING"}',1769875200000,1769882400000,1769961600000);

INSERT INTO "bureau_records" VALUES('default','bcr_tq3qtdl5426zp4lgncw2_3','loan_tq3qtdl5426zp4lgncw2','brw_kr2y3mrn4lr4i3pga3oz',3,'change',NULL,'2026-02-06','OVD','ATTENTION',1,98354,6049,'*1','2026-02-01','{"as_of":"2026-02-06","balance_minor":98354,"borrower_id":"brw_kr2y3mrn4lr4i3pga3oz","cause":"change","currency":"CNY","days_overdue":1,"five_class":"ATTENTION","loan_id":"loan_tq3qtdl5426zp4lgncw2","month":"2026-02","month_status":"1","opened":"2026-01-05","overdue_minor":6049,"principal_minor":100000,"record":"bcr_tq3qtdl5426zp4lgncw2_3","status":"OVD"}',1770393600000,1770400800000,1770480000000);

INSERT INTO "callbacks" VALUES('default','cb_sitje5tcog5klcekytzo','loan_askzqhztz5dg2nss2dhj','rpy_sitje5tcog5klcekytzo','MLSITJE5TCOG5KLCEKYTZO','wallet','ACKED',1,0,'[{"n":1,"at":"2026-01-05T02:00:02.000Z","outcome":"acked","event":"payment.succeeded"}]',1767578402000,NULL,1767578402000,1767578402000);

INSERT INTO "callbacks" VALUES('default','cb_dc7bh3wccxzm5pvpq6dv','loan_askzqhztz5dg2nss2dhj','rpy_dc7bh3wccxzm5pvpq6dv','MLDC7BH3WCCXZM5PVPQ6DV','wallet','EXHAUSTED',10,990,'[{"n":1,"at":"2026-01-05T04:00:02.000Z","outcome":"lost","event":"payment.succeeded"},{"n":2,"at":"2026-01-05T04:00:07.000Z","outcome":"lost","event":"payment.succeeded"},{"n":3,"at":"2026-01-05T04:05:07.000Z","outcome":"lost","event":"payment.succeeded"},{"n":4,"at":"2026-01-05T04:35:07.000Z","outcome":"lost","event":"payment.succeeded"},{"n":5,"at":"2026-01-05T06:35:07.000Z","outcome":"lost","event":"payment.succeeded"},{"n":6,"at":"2026-01-05T11:35:07.000Z","outcome":"lost","event":"payment.succeeded"},{"n":7,"at":"2026-01-05T21:35:07.000Z","outcome":"lost","event":"payment.succeeded"},{"n":8,"at":"2026-01-06T11:35:07.000Z","outcome":"lost","event":"payment.succeeded"},{"n":9,"at":"2026-01-07T07:35:07.000Z","outcome":"lost","event":"payment.succeeded"},{"n":10,"at":"2026-01-08T07:35:07.000Z","outcome":"lost","event":"payment.succeeded"}]',1767585602000,NULL,NULL,NULL);

INSERT INTO "callbacks" VALUES('default','cb_akklgukrw7rpxeyehjgd','loan_tq3qtdl5426zp4lgncw2','rpy_akklgukrw7rpxeyehjgd','MLAKKLGUKRW7RPXEYEHJGD','bank_card','ACKED',1,0,'[{"n":1,"at":"2026-01-05T04:00:05.000Z","outcome":"acked","event":"payment.succeeded"}]',1767585605000,NULL,1767585605000,1767585605000);

INSERT INTO "callbacks" VALUES('default','cb_hv6z7o7pcgoq6hgis4y5','loan_tq3qtdl5426zp4lgncw2','rpy_hv6z7o7pcgoq6hgis4y5','MLHV6Z7O7PCGOQ6HGIS4Y5','bank_card','EXHAUSTED',16,984,'[{"n":1,"at":"2026-01-05T04:00:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":2,"at":"2026-01-05T04:00:20.000Z","outcome":"lost","event":"payment.succeeded"},{"n":3,"at":"2026-01-05T04:00:35.000Z","outcome":"lost","event":"payment.succeeded"},{"n":4,"at":"2026-01-05T04:01:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":5,"at":"2026-01-05T04:04:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":6,"at":"2026-01-05T04:14:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":7,"at":"2026-01-05T04:34:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":8,"at":"2026-01-05T05:04:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":9,"at":"2026-01-05T05:34:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":10,"at":"2026-01-05T06:04:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":11,"at":"2026-01-05T07:04:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":12,"at":"2026-01-05T10:04:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":13,"at":"2026-01-05T13:04:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":14,"at":"2026-01-05T16:04:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":15,"at":"2026-01-05T22:04:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":16,"at":"2026-01-06T04:04:05.000Z","outcome":"lost","event":"payment.succeeded"}]',1767585605000,NULL,NULL,NULL);

INSERT INTO "callbacks" VALUES('default','cb_ulg4bjmtoknj3fak266z','loan_zhwilffvc2p4lx2vsual','rpy_ulg4bjmtoknj3fak266z','MLULG4BJMTOKNJ3FAK266Z','bank_transfer','ACKED',1,0,'[{"n":1,"at":"2026-01-05T04:30:00.000Z","outcome":"acked","event":"payment.succeeded"}]',1767587400000,NULL,1767587400000,1767587400000);

INSERT INTO "callbacks" VALUES('default','cb_xlkiypz4hjge7ozyf5db','loan_zhwilffvc2p4lx2vsual','rpy_xlkiypz4hjge7ozyf5db','MLXLKIYPZ4HJGE7OZYF5DB','bank_transfer','EXHAUSTED',10,990,'[{"n":1,"at":"2026-01-05T04:30:00.000Z","outcome":"lost","event":"payment.succeeded"},{"n":2,"at":"2026-01-05T04:30:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":3,"at":"2026-01-05T04:35:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":4,"at":"2026-01-05T05:05:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":5,"at":"2026-01-05T07:05:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":6,"at":"2026-01-05T12:05:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":7,"at":"2026-01-05T22:05:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":8,"at":"2026-01-06T12:05:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":9,"at":"2026-01-07T08:05:05.000Z","outcome":"lost","event":"payment.succeeded"},{"n":10,"at":"2026-01-08T08:05:05.000Z","outcome":"lost","event":"payment.succeeded"}]',1767587400000,NULL,NULL,NULL);

INSERT INTO "changes" VALUES('default',1,'+loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',2,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',3,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',4,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',5,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',6,'+loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',7,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',8,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',9,'+loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',10,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',11,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',12,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',13,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',14,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',15,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',16,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',17,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',18,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',19,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',20,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',21,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',22,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',23,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',24,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',25,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',26,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',27,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',28,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',29,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',30,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',31,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',32,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',33,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',34,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',35,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',36,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',37,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',38,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',39,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',42,'loan_askzqhztz5dg2nss2dhj loan_tq3qtdl5426zp4lgncw2 loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',43,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',44,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',45,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',46,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',47,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',48,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',49,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',50,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',51,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',52,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',53,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',54,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',55,'loan_askzqhztz5dg2nss2dhj');

INSERT INTO "changes" VALUES('default',56,'loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',59,'loan_askzqhztz5dg2nss2dhj loan_tq3qtdl5426zp4lgncw2 loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',62,'loan_askzqhztz5dg2nss2dhj loan_tq3qtdl5426zp4lgncw2 loan_zhwilffvc2p4lx2vsual');

INSERT INTO "changes" VALUES('default',63,'loan_tq3qtdl5426zp4lgncw2');

INSERT INTO "changes" VALUES('default',66,'loan_askzqhztz5dg2nss2dhj loan_tq3qtdl5426zp4lgncw2 loan_zhwilffvc2p4lx2vsual');

INSERT INTO "endings" VALUES('default','rebuilt:loan_askzqhztz5dg2nss2dhj','inj_exg765ox5yn2yi6tsiwk','healed');

INSERT INTO "endings" VALUES('default','shown:loan_askzqhztz5dg2nss2dhj','inj_exg765ox5yn2yi6tsiwk','superseded');

INSERT INTO "endings" VALUES('default','applied:rpy_dc7bh3wccxzm5pvpq6dv','inj_j6kwohc5csaxg3q5yx6q','healed');

INSERT INTO "endings" VALUES('default','landed:rpy_dc7bh3wccxzm5pvpq6dv','inj_j6kwohc5csaxg3q5yx6q','superseded');

INSERT INTO "endings" VALUES('default','rebuilt:loan_tq3qtdl5426zp4lgncw2','inj_4eq2czwcqd4yvtnqcgwo','healed');

INSERT INTO "endings" VALUES('default','shown:loan_tq3qtdl5426zp4lgncw2','inj_4eq2czwcqd4yvtnqcgwo','superseded');

INSERT INTO "endings" VALUES('default','applied:rpy_hv6z7o7pcgoq6hgis4y5','inj_njps2h5oi4zq6ne4qfgj','healed');

INSERT INTO "endings" VALUES('default','landed:rpy_hv6z7o7pcgoq6hgis4y5','inj_njps2h5oi4zq6ne4qfgj','superseded');

INSERT INTO "endings" VALUES('default','rebuilt:loan_zhwilffvc2p4lx2vsual','inj_27enkqcnzwva75ksociu','healed');

INSERT INTO "endings" VALUES('default','shown:loan_zhwilffvc2p4lx2vsual','inj_27enkqcnzwva75ksociu','superseded');

INSERT INTO "endings" VALUES('default','applied:rpy_xlkiypz4hjge7ozyf5db','inj_x6odpxsd5lpummvunl5k','healed');

INSERT INTO "endings" VALUES('default','landed:rpy_xlkiypz4hjge7ozyf5db','inj_x6odpxsd5lpummvunl5k','superseded');

INSERT INTO "endings" VALUES('default','rebuilt:loan_askzqhztz5dg2nss2dhj','inj_n4pre7vmxcyjkauncnjv','healed');

INSERT INTO "endings" VALUES('default','shown:loan_askzqhztz5dg2nss2dhj','inj_n4pre7vmxcyjkauncnjv','superseded');

INSERT INTO "endings" VALUES('default','rebuilt:loan_tq3qtdl5426zp4lgncw2','inj_ootd3wtxvhgkhl6ygwls','healed');

INSERT INTO "endings" VALUES('default','shown:loan_tq3qtdl5426zp4lgncw2','inj_ootd3wtxvhgkhl6ygwls','superseded');

INSERT INTO "endings" VALUES('default','rebuilt:loan_zhwilffvc2p4lx2vsual','inj_dalty5bvhy5wjfk4ywbj','healed');

INSERT INTO "endings" VALUES('default','shown:loan_zhwilffvc2p4lx2vsual','inj_dalty5bvhy5wjfk4ywbj','superseded');

INSERT INTO "idempotency" VALUES('default','POST /v1/loans {''borrower_id'': ''brw_q6gtsyybqah72kjmfjnw'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}','3157a8d74b0970bda28f9854343ec6984e85fc5dbea04a40d3c8caf47834d32a',201,'{"id":"loan_askzqhztz5dg2nss2dhj","borrower_id":"brw_q6gtsyybqah72kjmfjnw","reference":"POST /v1/loans {''borrower_id'': ''brw_q6gtsyybqah72kjmfjnw'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}","product_id":"jiebei-like","currency":"CNY","status":"USING","principal_minor":100000,"outstanding_minor":100000,"outstanding_principal_minor":100000,"overdue_minor":0,"overpaid_minor":0,"paid_minor":0,"next_due":{"n":1,"due_date":"2026-02-05","due_minor":9090},"disbursed_at":"2026-01-05T02:00:00.000Z","version":1,"as_of":"2026-01-05T02:00:00.000Z"}',1767578400000);

INSERT INTO "idempotency" VALUES('default','POST /v1/loans/loan_askzqhztz5dg2nss2dhj/repayments {''amount_minor'': 9500, ''channel'': ''wallet'', ''type'': ''OVD_AND_CURRENT''}','d0aeb867271d4152810fd63b7b2fa4372a61c55090bcc8d257f06e48e0719bbd',202,'{"id":"rpy_sitje5tcog5klcekytzo","loan_id":"loan_askzqhztz5dg2nss2dhj","status":"PROCESSING","amount_minor":9500,"applied_minor":0,"overpaid_minor":0,"currency":"CNY","channel":"wallet","type":"OVD_AND_CURRENT","quote_id":null,"payer_reference":null,"out_trade_no":"MLSITJE5TCOG5KLCEKYTZO","channel_trade_no":null,"created_at":"2026-01-05T02:00:00.000Z","paid_at":null,"applied_at":null,"booked_type":null,"booked_at":null,"reversal_id":null,"idempotency_key":"POST /v1/loans/loan_askzqhztz5dg2nss2dhj/repayments {''amount_minor'': 9500, ''channel'': ''wallet'', ''type'': ''OVD_AND_CURRENT''}"}',1767578400000);

INSERT INTO "idempotency" VALUES('default','POST /-/clock/advance {''by'': ''PT2H''}','b0957201dd63d05c79567b432726885078248c0d5a329327911460d3131cf098',200,'{"n":1,"to_ms":1767585600000,"resets":0}',1767578400000);

INSERT INTO "idempotency" VALUES('default','POST /v1/loans/loan_askzqhztz5dg2nss2dhj/repayments {''amount_minor'': 3000, ''channel'': ''wallet'', ''type'': ''OVD_AND_CURRENT''}','4e9207e71f0f2f77b22f8defe9a081abc064d0d4cecbb4305b60d5ffca7ea058',202,'{"id":"rpy_dc7bh3wccxzm5pvpq6dv","loan_id":"loan_askzqhztz5dg2nss2dhj","status":"PROCESSING","amount_minor":3000,"applied_minor":0,"overpaid_minor":0,"currency":"CNY","channel":"wallet","type":"OVD_AND_CURRENT","quote_id":null,"payer_reference":null,"out_trade_no":"MLDC7BH3WCCXZM5PVPQ6DV","channel_trade_no":null,"created_at":"2026-01-05T04:00:00.000Z","paid_at":null,"applied_at":null,"booked_type":null,"booked_at":null,"reversal_id":null,"idempotency_key":"POST /v1/loans/loan_askzqhztz5dg2nss2dhj/repayments {''amount_minor'': 3000, ''channel'': ''wallet'', ''type'': ''OVD_AND_CURRENT''}"}',1767585600000);

INSERT INTO "idempotency" VALUES('default','POST /v1/loans {''borrower_id'': ''brw_kr2y3mrn4lr4i3pga3oz'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}','95bb8f80390e8ceeb6408419b27d5c54531cc4c05d75cd9ae9fe2db74b1e4bcb',201,'{"id":"loan_tq3qtdl5426zp4lgncw2","borrower_id":"brw_kr2y3mrn4lr4i3pga3oz","reference":"POST /v1/loans {''borrower_id'': ''brw_kr2y3mrn4lr4i3pga3oz'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}","product_id":"jiebei-like","currency":"CNY","status":"USING","principal_minor":100000,"outstanding_minor":100000,"outstanding_principal_minor":100000,"overdue_minor":0,"overpaid_minor":0,"paid_minor":0,"next_due":{"n":1,"due_date":"2026-02-05","due_minor":9090},"disbursed_at":"2026-01-05T04:00:00.000Z","version":1,"as_of":"2026-01-05T04:00:00.000Z"}',1767585600000);

INSERT INTO "idempotency" VALUES('default','POST /v1/loans/loan_tq3qtdl5426zp4lgncw2/repayments {''amount_minor'': 9500, ''channel'': ''bank_card'', ''type'': ''OVD_AND_CURRENT''}','61f6b3767017233c4d7fd0575b221e9b41acc2273a23919bef627f0aa9b06ab6',202,'{"id":"rpy_hv6z7o7pcgoq6hgis4y5","loan_id":"loan_tq3qtdl5426zp4lgncw2","status":"PROCESSING","amount_minor":9500,"applied_minor":0,"overpaid_minor":0,"currency":"CNY","channel":"bank_card","type":"OVD_AND_CURRENT","quote_id":null,"payer_reference":null,"out_trade_no":"MLHV6Z7O7PCGOQ6HGIS4Y5","channel_trade_no":null,"created_at":"2026-01-05T04:00:00.000Z","paid_at":null,"applied_at":null,"booked_type":null,"booked_at":null,"reversal_id":null,"idempotency_key":"POST /v1/loans/loan_tq3qtdl5426zp4lgncw2/repayments {''amount_minor'': 9500, ''channel'': ''bank_card'', ''type'': ''OVD_AND_CURRENT''}"}',1767585600000);

INSERT INTO "idempotency" VALUES('default','POST /v1/loans/loan_tq3qtdl5426zp4lgncw2/repayments {''amount_minor'': 3000, ''channel'': ''bank_card'', ''type'': ''OVD_AND_CURRENT''}','32d58a66fe2ed806248ae12dcca064d64490e0174cd7ec12334356375cccd208',202,'{"id":"rpy_akklgukrw7rpxeyehjgd","loan_id":"loan_tq3qtdl5426zp4lgncw2","status":"PROCESSING","amount_minor":3000,"applied_minor":0,"overpaid_minor":0,"currency":"CNY","channel":"bank_card","type":"OVD_AND_CURRENT","quote_id":null,"payer_reference":null,"out_trade_no":"MLAKKLGUKRW7RPXEYEHJGD","channel_trade_no":null,"created_at":"2026-01-05T04:00:00.000Z","paid_at":null,"applied_at":null,"booked_type":null,"booked_at":null,"reversal_id":null,"idempotency_key":"POST /v1/loans/loan_tq3qtdl5426zp4lgncw2/repayments {''amount_minor'': 3000, ''channel'': ''bank_card'', ''type'': ''OVD_AND_CURRENT''}"}',1767585600000);

INSERT INTO "idempotency" VALUES('default','POST /v1/loans {''borrower_id'': ''brw_hci6ludpalbx27im2kyy'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}','6ecb510d465b684372d4ad4cdc3118f41566be631a7b07077abdbb5343948392',201,'{"id":"loan_zhwilffvc2p4lx2vsual","borrower_id":"brw_hci6ludpalbx27im2kyy","reference":"POST /v1/loans {''borrower_id'': ''brw_hci6ludpalbx27im2kyy'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}","product_id":"jiebei-like","currency":"CNY","status":"USING","principal_minor":100000,"outstanding_minor":100000,"outstanding_principal_minor":100000,"overdue_minor":0,"overpaid_minor":0,"paid_minor":0,"next_due":{"n":1,"due_date":"2026-02-05","due_minor":9090},"disbursed_at":"2026-01-05T04:00:00.000Z","version":1,"as_of":"2026-01-05T04:00:00.000Z"}',1767585600000);

INSERT INTO "idempotency" VALUES('default','POST /v1/loans/loan_zhwilffvc2p4lx2vsual/repayments {''amount_minor'': 9500, ''channel'': ''bank_transfer'', ''type'': ''OVD_AND_CURRENT''}','6bca27e24db7d595130bf8eef8b2bf193736530b4dd28d3209145eb0e912149c',202,'{"id":"rpy_ulg4bjmtoknj3fak266z","loan_id":"loan_zhwilffvc2p4lx2vsual","status":"PROCESSING","amount_minor":9500,"applied_minor":0,"overpaid_minor":0,"currency":"CNY","channel":"bank_transfer","type":"OVD_AND_CURRENT","quote_id":null,"payer_reference":null,"out_trade_no":"MLULG4BJMTOKNJ3FAK266Z","channel_trade_no":null,"created_at":"2026-01-05T04:00:00.000Z","paid_at":null,"applied_at":null,"booked_type":null,"booked_at":null,"reversal_id":null,"idempotency_key":"POST /v1/loans/loan_zhwilffvc2p4lx2vsual/repayments {''amount_minor'': 9500, ''channel'': ''bank_transfer'', ''type'': ''OVD_AND_CURRENT''}"}',1767585600000);

INSERT INTO "idempotency" VALUES('default','POST /v1/loans/loan_zhwilffvc2p4lx2vsual/repayments {''amount_minor'': 3000, ''channel'': ''bank_transfer'', ''type'': ''OVD_AND_CURRENT''}','817a120a72b05bb7f5bd7682a2fed36cea7901466f47ac4f5a54672557641a30',202,'{"id":"rpy_xlkiypz4hjge7ozyf5db","loan_id":"loan_zhwilffvc2p4lx2vsual","status":"PROCESSING","amount_minor":3000,"applied_minor":0,"overpaid_minor":0,"currency":"CNY","channel":"bank_transfer","type":"OVD_AND_CURRENT","quote_id":null,"payer_reference":null,"out_trade_no":"MLXLKIYPZ4HJGE7OZYF5DB","channel_trade_no":null,"created_at":"2026-01-05T04:00:00.000Z","paid_at":null,"applied_at":null,"booked_type":null,"booked_at":null,"reversal_id":null,"idempotency_key":"POST /v1/loans/loan_zhwilffvc2p4lx2vsual/repayments {''amount_minor'': 3000, ''channel'': ''bank_transfer'', ''type'': ''OVD_AND_CURRENT''}"}',1767585600000);

INSERT INTO "idempotency" VALUES('default','POST /-/clock/advance {''by'': ''P35D''}','eb26fa023f7caeddf4ea8c83bc1b3305fdce52f7a26eec54dee36566aa89605c',200,'{"n":2,"to_ms":1770609600000,"resets":0}',1767585600000);

INSERT INTO "injections" VALUES('default','inj_exg765ox5yn2yi6tsiwk','lag',1,'cache.bounded_stale','view.refresh','loan_askzqhztz5dg2nss2dhj','loan_askzqhztz5dg2nss2dhj',2,1767578402000,'lag_s: 0 -> 86400','{"outstanding_minor":100000,"status":"USING","version":1}','{"outstanding_minor":91784,"status":"USING","version":2}','{"outstanding_minor":100000,"status":"USING","version":1}','CNY','stale_view','loan_askzqhztz5dg2nss2dhj',8216,'{}',1767578402000,1767664802000,'healed','itself',1767664802000);

INSERT INTO "injections" VALUES('default','inj_j6kwohc5csaxg3q5yx6q','drop',2,'callback.dropped','callback.attempt','rpy_dc7bh3wccxzm5pvpq6dv','loan_askzqhztz5dg2nss2dhj',1,1767585602000,'lost_attempts: 0 -> 1000','{"amount_minor":3000,"channel_state":"SUCCESS"}','{"amount_minor":3000,"channel_state":"SUCCESS"}','{"attempts":10,"callback":"lost"}','CNY','missing_in_books','rpy_dc7bh3wccxzm5pvpq6dv',3000,'{}',1767585602000,NULL,'active',NULL,NULL);

INSERT INTO "injections" VALUES('default','inj_4eq2czwcqd4yvtnqcgwo','lag',1,'cache.bounded_stale','view.refresh','loan_tq3qtdl5426zp4lgncw2','loan_tq3qtdl5426zp4lgncw2',2,1767585605000,'lag_s: 0 -> 86400','{"outstanding_minor":100000,"status":"USING","version":1}','{"outstanding_minor":97000,"status":"USING","version":2}','{"outstanding_minor":100000,"status":"USING","version":1}','CNY','stale_view','loan_tq3qtdl5426zp4lgncw2',3000,'{}',1767585605000,1767672005000,'healed','itself',1767672005000);

INSERT INTO "injections" VALUES('default','inj_njps2h5oi4zq6ne4qfgj','drop',2,'callback.dropped','callback.attempt','rpy_hv6z7o7pcgoq6hgis4y5','loan_tq3qtdl5426zp4lgncw2',1,1767585605000,'lost_attempts: 0 -> 1000','{"amount_minor":9500,"channel_state":"SUCCESS"}','{"amount_minor":9500,"channel_state":"SUCCESS"}','{"attempts":16,"callback":"lost"}','CNY','missing_in_books','rpy_hv6z7o7pcgoq6hgis4y5',9500,'{}',1767585605000,NULL,'active',NULL,NULL);

INSERT INTO "injections" VALUES('default','inj_27enkqcnzwva75ksociu','lag',1,'cache.bounded_stale','view.refresh','loan_zhwilffvc2p4lx2vsual','loan_zhwilffvc2p4lx2vsual',2,1767587400000,'lag_s: 0 -> 86400','{"outstanding_minor":100000,"status":"USING","version":1}','{"outstanding_minor":91784,"status":"USING","version":2}','{"outstanding_minor":100000,"status":"USING","version":1}','CNY','stale_view','loan_zhwilffvc2p4lx2vsual',8216,'{}',1767587400000,1767673800000,'healed','itself',1767673800000);

INSERT INTO "injections" VALUES('default','inj_x6odpxsd5lpummvunl5k','drop',2,'callback.dropped','callback.attempt','rpy_xlkiypz4hjge7ozyf5db','loan_zhwilffvc2p4lx2vsual',1,1767587400000,'lost_attempts: 0 -> 1000','{"amount_minor":3000,"channel_state":"SUCCESS"}','{"amount_minor":3000,"channel_state":"SUCCESS"}','{"attempts":10,"callback":"lost"}','CNY','missing_in_books','rpy_xlkiypz4hjge7ozyf5db',3000,'{}',1767587400000,NULL,'active',NULL,NULL);

INSERT INTO "injections" VALUES('default','inj_n4pre7vmxcyjkauncnjv','lag',1,'cache.bounded_stale','view.refresh','loan_askzqhztz5dg2nss2dhj','loan_askzqhztz5dg2nss2dhj',3,1770307200000,'lag_s: 0 -> 86400','{"outstanding_minor":91784,"status":"USING","version":2}','{"outstanding_minor":91784,"status":"USING","version":3}','{"outstanding_minor":91784,"status":"USING","version":2}','CNY','stale_view','loan_askzqhztz5dg2nss2dhj',0,'{}',1770307200000,1770393600000,'active',NULL,NULL);

INSERT INTO "injections" VALUES('default','inj_ootd3wtxvhgkhl6ygwls','lag',1,'cache.bounded_stale','view.refresh','loan_tq3qtdl5426zp4lgncw2','loan_tq3qtdl5426zp4lgncw2',3,1770307200000,'lag_s: 0 -> 86400','{"outstanding_minor":97000,"status":"USING","version":2}','{"outstanding_minor":98354,"status":"OVD","version":3}','{"outstanding_minor":97000,"status":"USING","version":2}','CNY','stale_view','loan_tq3qtdl5426zp4lgncw2',1354,'{}',1770307200000,1770393600000,'active',NULL,NULL);

INSERT INTO "injections" VALUES('default','inj_dalty5bvhy5wjfk4ywbj','lag',1,'cache.bounded_stale','view.refresh','loan_zhwilffvc2p4lx2vsual','loan_zhwilffvc2p4lx2vsual',3,1770307200000,'lag_s: 0 -> 86400','{"outstanding_minor":91784,"status":"USING","version":2}','{"outstanding_minor":91784,"status":"USING","version":3}','{"outstanding_minor":91784,"status":"USING","version":2}','CNY','stale_view','loan_zhwilffvc2p4lx2vsual',0,'{}',1770307200000,1770393600000,'active',NULL,NULL);

INSERT INTO "loan_counts" VALUES('default',3);

INSERT INTO "loan_views" VALUES('default','loan_askzqhztz5dg2nss2dhj',3,1770307200000,1770393600000,1770393600000,1770393600000,1770393600000,253402300799000,253402300799000,NULL,'USING','brw_q6gtsyybqah72kjmfjnw','{"id":"loan_askzqhztz5dg2nss2dhj","borrower_id":"brw_q6gtsyybqah72kjmfjnw","reference":"POST /v1/loans {''borrower_id'': ''brw_q6gtsyybqah72kjmfjnw'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}","product_id":"jiebei-like","currency":"CNY","status":"USING","principal_minor":100000,"outstanding_minor":91784,"outstanding_principal_minor":91784,"overdue_minor":0,"overpaid_minor":0,"paid_minor":9500,"next_due":{"n":2,"due_date":"2026-03-05","due_minor":8562},"disbursed_at":"2026-01-05T02:00:00.000Z","version":3,"as_of":"2026-02-05T16:00:00.000Z"}','[[[1,"2026-01-05","2026-02-05",7695,1284,0,0,0,7695,1284,0,0,0,[321021,250],[0,1],[0,1],0],[2,"2026-02-05","2026-03-05",7927,0,0,0,0,521,0,0,0,0,[0,1],[0,1],[0,1],0],[3,"2026-03-05","2026-04-05",7913,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[4,"2026-04-05","2026-05-05",8058,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[5,"2026-05-05","2026-06-05",8136,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[6,"2026-06-05","2026-07-05",8276,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[7,"2026-07-05","2026-08-05",8365,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[8,"2026-08-05","2026-09-05",8481,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[9,"2026-09-05","2026-10-05",8615,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[10,"2026-10-05","2026-11-05",8720,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[11,"2026-11-05","2026-12-05",8850,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[12,"2026-12-05","2027-01-05",8964,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0]],true,true,false,"2026-02-05","2026-02-05","2026-02-06",0,0,9500,0,0,0,0,0,0,"0001-01-01",[1767578402000,"rpy_sitje5tcog5klcekytzo"]]');

INSERT INTO "loan_views" VALUES('default','loan_tq3qtdl5426zp4lgncw2',3,1770307200000,1770393600000,1770393600000,1770393600000,1770393600000,253402300799000,253402300799000,NULL,'OVD','brw_kr2y3mrn4lr4i3pga3oz','{"id":"loan_tq3qtdl5426zp4lgncw2","borrower_id":"brw_kr2y3mrn4lr4i3pga3oz","reference":"POST /v1/loans {''borrower_id'': ''brw_kr2y3mrn4lr4i3pga3oz'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}","product_id":"jiebei-like","currency":"CNY","status":"OVD","principal_minor":100000,"outstanding_minor":98354,"outstanding_principal_minor":97000,"overdue_minor":6049,"overpaid_minor":0,"paid_minor":3000,"next_due":{"n":2,"due_date":"2026-03-05","due_minor":9090},"disbursed_at":"2026-01-05T04:00:00.000Z","version":3,"as_of":"2026-02-05T16:00:00.000Z"}','[[[1,"2026-01-05","2026-02-05",7695,1354,0,0,0,3000,0,0,0,0,[2709,2],[0,1],[0,1],0],[2,"2026-02-05","2026-03-05",7927,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[3,"2026-03-05","2026-04-05",7913,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[4,"2026-04-05","2026-05-05",8058,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[5,"2026-05-05","2026-06-05",8136,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[6,"2026-06-05","2026-07-05",8276,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[7,"2026-07-05","2026-08-05",8365,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[8,"2026-08-05","2026-09-05",8481,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[9,"2026-09-05","2026-10-05",8615,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[10,"2026-10-05","2026-11-05",8720,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[11,"2026-11-05","2026-12-05",8850,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[12,"2026-12-05","2027-01-05",8964,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0]],true,true,false,"2026-02-05","2026-02-05","2026-02-06",0,0,3000,0,0,0,0,0,0,"0001-01-01",[1767585605000,"rpy_akklgukrw7rpxeyehjgd"]]');

INSERT INTO "loan_views" VALUES('default','loan_zhwilffvc2p4lx2vsual',3,1770307200000,1770393600000,1770393600000,1770393600000,1770393600000,253402300799000,253402300799000,NULL,'USING','brw_hci6ludpalbx27im2kyy','{"id":"loan_zhwilffvc2p4lx2vsual","borrower_id":"brw_hci6ludpalbx27im2kyy","reference":"POST /v1/loans {''borrower_id'': ''brw_hci6ludpalbx27im2kyy'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}","product_id":"jiebei-like","currency":"CNY","status":"USING","principal_minor":100000,"outstanding_minor":91784,"outstanding_principal_minor":91784,"overdue_minor":0,"overpaid_minor":0,"paid_minor":9500,"next_due":{"n":2,"due_date":"2026-03-05","due_minor":8562},"disbursed_at":"2026-01-05T04:00:00.000Z","version":3,"as_of":"2026-02-05T16:00:00.000Z"}','[[[1,"2026-01-05","2026-02-05",7695,1284,0,0,0,7695,1284,0,0,0,[321021,250],[0,1],[0,1],0],[2,"2026-02-05","2026-03-05",7927,0,0,0,0,521,0,0,0,0,[0,1],[0,1],[0,1],0],[3,"2026-03-05","2026-04-05",7913,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[4,"2026-04-05","2026-05-05",8058,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[5,"2026-05-05","2026-06-05",8136,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[6,"2026-06-05","2026-07-05",8276,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[7,"2026-07-05","2026-08-05",8365,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[8,"2026-08-05","2026-09-05",8481,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[9,"2026-09-05","2026-10-05",8615,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[10,"2026-10-05","2026-11-05",8720,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[11,"2026-11-05","2026-12-05",8850,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[12,"2026-12-05","2027-01-05",8964,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0]],true,true,false,"2026-02-05","2026-02-05","2026-02-06",0,0,9500,0,0,0,0,0,0,"0001-01-01",[1767587400000,"rpy_ulg4bjmtoknj3fak266z"]]');

INSERT INTO "loans" VALUES('default','loan_askzqhztz5dg2nss2dhj','brw_q6gtsyybqah72kjmfjnw','POST /v1/loans {''borrower_id'': ''brw_q6gtsyybqah72kjmfjnw'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}','CNY','jiebei-like','{"method":"equal_instalment","terms":12,"rate":"0.00045","rate_unit":"daily","term_unit":"month","term_length":1,"day_count":"actual/365","rounding":"half_even","instalment_multiple_minor":1,"payoff_interest":"until_payoff_date","allocation":["overdue_penalty","overdue_fee","overdue_interest","overdue_principal","due_penalty","due_fee","due_interest","due_principal","in_advance_penalty","in_advance_fee","in_advance_interest","in_advance_principal"],"processing":"horizontal","excess":"next_instalment","penalty":{"multiplier":"1.5","base":"principal","grace_days":0},"limits":{"min_minor":10000,"max_minor":30000000}}',100000,'2026-01-05','bank_transfer',0,1767578400000,3,'USING',91784,'[[[1,"2026-01-05","2026-02-05",7695,1284,0,0,0,7695,1284,0,0,0,[321021,250],[0,1],[0,1],0],[2,"2026-02-05","2026-03-05",7927,0,0,0,0,521,0,0,0,0,[0,1],[0,1],[0,1],0],[3,"2026-03-05","2026-04-05",7913,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[4,"2026-04-05","2026-05-05",8058,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[5,"2026-05-05","2026-06-05",8136,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[6,"2026-06-05","2026-07-05",8276,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[7,"2026-07-05","2026-08-05",8365,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[8,"2026-08-05","2026-09-05",8481,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[9,"2026-09-05","2026-10-05",8615,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[10,"2026-10-05","2026-11-05",8720,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[11,"2026-11-05","2026-12-05",8850,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[12,"2026-12-05","2027-01-05",8964,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0]],true,true,false,"2026-02-05","2026-02-05","2026-02-06",0,0,9500,0,0,0,0,0,0,"0001-01-01",[1767578402000,"rpy_sitje5tcog5klcekytzo"]]',7,'d9c9e2b7df84f8dadb1029b81a738bcf830c335ede07482eff7bab54481e9321',0,NULL,'[[2,1767578402000,"USING",91784,-8216,0,{"page_ms":1767664802000,"list_ms":1767664802000,"instalments_ms":1767664802000,"replica_ms":1767664802000,"back_ms":253402300799000,"again_ms":253402300799000},8216],[3,1770307200000,"USING",91784,0,0,{"page_ms":1770393600000,"list_ms":1770393600000,"instalments_ms":1770393600000,"replica_ms":1770393600000,"back_ms":253402300799000,"again_ms":253402300799000},0]]',1767578400000,1772726400000,NULL,NULL,NULL);

INSERT INTO "loans" VALUES('default','loan_tq3qtdl5426zp4lgncw2','brw_kr2y3mrn4lr4i3pga3oz','POST /v1/loans {''borrower_id'': ''brw_kr2y3mrn4lr4i3pga3oz'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}','CNY','jiebei-like','{"method":"equal_instalment","terms":12,"rate":"0.00045","rate_unit":"daily","term_unit":"month","term_length":1,"day_count":"actual/365","rounding":"half_even","instalment_multiple_minor":1,"payoff_interest":"until_payoff_date","allocation":["overdue_penalty","overdue_fee","overdue_interest","overdue_principal","due_penalty","due_fee","due_interest","due_principal","in_advance_penalty","in_advance_fee","in_advance_interest","in_advance_principal"],"processing":"horizontal","excess":"next_instalment","penalty":{"multiplier":"1.5","base":"principal","grace_days":0},"limits":{"min_minor":10000,"max_minor":30000000}}',100000,'2026-01-05','bank_transfer',0,1767585600000,3,'OVD',97000,'[[[1,"2026-01-05","2026-02-05",7695,1354,0,0,0,3000,0,0,0,0,[2709,2],[0,1],[0,1],0],[2,"2026-02-05","2026-03-05",7927,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[3,"2026-03-05","2026-04-05",7913,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[4,"2026-04-05","2026-05-05",8058,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[5,"2026-05-05","2026-06-05",8136,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[6,"2026-06-05","2026-07-05",8276,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[7,"2026-07-05","2026-08-05",8365,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[8,"2026-08-05","2026-09-05",8481,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[9,"2026-09-05","2026-10-05",8615,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[10,"2026-10-05","2026-11-05",8720,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[11,"2026-11-05","2026-12-05",8850,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[12,"2026-12-05","2027-01-05",8964,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0]],true,true,false,"2026-02-05","2026-02-05","2026-02-06",0,0,3000,0,0,0,0,0,0,"0001-01-01",[1767585605000,"rpy_akklgukrw7rpxeyehjgd"]]',7,'27b48ee7ef871eb4438286d5f84e193db23bb0b078e7139d44f4b6f20d805a13',0,NULL,'[[2,1767585605000,"USING",97000,-3000,0,{"page_ms":1767672005000,"list_ms":1767672005000,"instalments_ms":1767672005000,"replica_ms":1767672005000,"back_ms":253402300799000,"again_ms":253402300799000},3000],[3,1770307200000,"OVD",98354,1354,0,{"page_ms":1770393600000,"list_ms":1770393600000,"instalments_ms":1770393600000,"replica_ms":1770393600000,"back_ms":253402300799000,"again_ms":253402300799000},1354]]',1767585600000,1772726400000,NULL,NULL,NULL);

INSERT INTO "loans" VALUES('default','loan_zhwilffvc2p4lx2vsual','brw_hci6ludpalbx27im2kyy','POST /v1/loans {''borrower_id'': ''brw_hci6ludpalbx27im2kyy'', ''principal_minor'': 100000, ''product_id'': ''jiebei-like''}','CNY','jiebei-like','{"method":"equal_instalment","terms":12,"rate":"0.00045","rate_unit":"daily","term_unit":"month","term_length":1,"day_count":"actual/365","rounding":"half_even","instalment_multiple_minor":1,"payoff_interest":"until_payoff_date","allocation":["overdue_penalty","overdue_fee","overdue_interest","overdue_principal","due_penalty","due_fee","due_interest","due_principal","in_advance_penalty","in_advance_fee","in_advance_interest","in_advance_principal"],"processing":"horizontal","excess":"next_instalment","penalty":{"multiplier":"1.5","base":"principal","grace_days":0},"limits":{"min_minor":10000,"max_minor":30000000}}',100000,'2026-01-05','bank_transfer',0,1767585600000,3,'USING',91784,'[[[1,"2026-01-05","2026-02-05",7695,1284,0,0,0,7695,1284,0,0,0,[321021,250],[0,1],[0,1],0],[2,"2026-02-05","2026-03-05",7927,0,0,0,0,521,0,0,0,0,[0,1],[0,1],[0,1],0],[3,"2026-03-05","2026-04-05",7913,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[4,"2026-04-05","2026-05-05",8058,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[5,"2026-05-05","2026-06-05",8136,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[6,"2026-06-05","2026-07-05",8276,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[7,"2026-07-05","2026-08-05",8365,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[8,"2026-08-05","2026-09-05",8481,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[9,"2026-09-05","2026-10-05",8615,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[10,"2026-10-05","2026-11-05",8720,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[11,"2026-11-05","2026-12-05",8850,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0],[12,"2026-12-05","2027-01-05",8964,0,0,0,0,0,0,0,0,0,[0,1],[0,1],[0,1],0]],true,true,false,"2026-02-05","2026-02-05","2026-02-06",0,0,9500,0,0,0,0,0,0,"0001-01-01",[1767587400000,"rpy_ulg4bjmtoknj3fak266z"]]',7,'8f0b3fe4d40250b7a54bdaa7bdc13503d071668088c380885081d7e61feaef9d',0,NULL,'[[2,1767587400000,"USING",91784,-8216,0,{"page_ms":1767673800000,"list_ms":1767673800000,"instalments_ms":1767673800000,"replica_ms":1767673800000,"back_ms":253402300799000,"again_ms":253402300799000},8216],[3,1770307200000,"USING",91784,0,0,{"page_ms":1770393600000,"list_ms":1770393600000,"instalments_ms":1770393600000,"replica_ms":1770393600000,"back_ms":253402300799000,"again_ms":253402300799000},0]]',1767585600000,1772726400000,NULL,NULL,NULL);

INSERT INTO "postings" VALUES('default','loan_askzqhztz5dg2nss2dhj',1,0,'1101','2001',100000);

INSERT INTO "postings" VALUES('default','loan_askzqhztz5dg2nss2dhj',2,0,'2001','1002:bank_transfer',100000);

INSERT INTO "postings" VALUES('default','loan_askzqhztz5dg2nss2dhj',3,0,'1002:wallet','2102',9500);

INSERT INTO "postings" VALUES('default','loan_askzqhztz5dg2nss2dhj',4,0,'2102','1101',8216);

INSERT INTO "postings" VALUES('default','loan_askzqhztz5dg2nss2dhj',4,1,'2102','2105',1284);

INSERT INTO "postings" VALUES('default','loan_tq3qtdl5426zp4lgncw2',1,0,'1101','2001',100000);

INSERT INTO "postings" VALUES('default','loan_tq3qtdl5426zp4lgncw2',2,0,'2001','1002:bank_transfer',100000);

INSERT INTO "postings" VALUES('default','loan_zhwilffvc2p4lx2vsual',1,0,'1101','2001',100000);

INSERT INTO "postings" VALUES('default','loan_zhwilffvc2p4lx2vsual',2,0,'2001','1002:bank_transfer',100000);

INSERT INTO "postings" VALUES('default','loan_tq3qtdl5426zp4lgncw2',3,0,'1002:bank_card','2102',3000);

INSERT INTO "postings" VALUES('default','loan_tq3qtdl5426zp4lgncw2',4,0,'2102','1101',3000);

INSERT INTO "postings" VALUES('default','loan_zhwilffvc2p4lx2vsual',3,0,'1002:bank_transfer','2102',9500);

INSERT INTO "postings" VALUES('default','loan_zhwilffvc2p4lx2vsual',4,0,'2102','1101',8216);

INSERT INTO "postings" VALUES('default','loan_zhwilffvc2p4lx2vsual',4,1,'2102','2105',1284);

INSERT INTO "postings" VALUES('default','loan_askzqhztz5dg2nss2dhj',5,0,'1102','4001',45);

INSERT INTO "postings" VALUES('default','loan_askzqhztz5dg2nss2dhj',5,1,'2105','1102',45);

INSERT INTO "postings" VALUES('default','loan_askzqhztz5dg2nss2dhj',6,0,'1102','4001',1239);

INSERT INTO "postings" VALUES('default','loan_askzqhztz5dg2nss2dhj',6,1,'2105','1102',1239);

INSERT INTO "postings" VALUES('default','loan_tq3qtdl5426zp4lgncw2',5,0,'1102','4001',45);

INSERT INTO "postings" VALUES('default','loan_tq3qtdl5426zp4lgncw2',6,0,'1102','4001',1309);

INSERT INTO "postings" VALUES('default','loan_zhwilffvc2p4lx2vsual',5,0,'1102','4001',45);

INSERT INTO "postings" VALUES('default','loan_zhwilffvc2p4lx2vsual',5,1,'2105','1102',45);

INSERT INTO "postings" VALUES('default','loan_zhwilffvc2p4lx2vsual',6,0,'1102','4001',1239);

INSERT INTO "postings" VALUES('default','loan_zhwilffvc2p4lx2vsual',6,1,'2105','1102',1239);

INSERT INTO "repayments" VALUES('default','rpy_sitje5tcog5klcekytzo','loan_askzqhztz5dg2nss2dhj','S',9500,'CNY','wallet','OVD_AND_CURRENT',NULL,NULL,'CHDFX7XXYH7L2P4R562G4D',9500,0,1767578400000,1767578402000,1767578402000,'OVD_AND_CURRENT',1767578402000,1,NULL,NULL,'POST /v1/loans/loan_askzqhztz5dg2nss2dhj/repayments {''amount_minor'': 9500, ''channel'': ''wallet'', ''type'': ''OVD_AND_CURRENT''}');

INSERT INTO "repayments" VALUES('default','rpy_dc7bh3wccxzm5pvpq6dv','loan_askzqhztz5dg2nss2dhj','PROCESSING',3000,'CNY','wallet','OVD_AND_CURRENT',NULL,NULL,NULL,0,0,1767585600000,NULL,NULL,NULL,NULL,0,NULL,NULL,'POST /v1/loans/loan_askzqhztz5dg2nss2dhj/repayments {''amount_minor'': 3000, ''channel'': ''wallet'', ''type'': ''OVD_AND_CURRENT''}');

INSERT INTO "repayments" VALUES('default','rpy_hv6z7o7pcgoq6hgis4y5','loan_tq3qtdl5426zp4lgncw2','PROCESSING',9500,'CNY','bank_card','OVD_AND_CURRENT',NULL,NULL,NULL,0,0,1767585600000,NULL,NULL,NULL,NULL,0,NULL,NULL,'POST /v1/loans/loan_tq3qtdl5426zp4lgncw2/repayments {''amount_minor'': 9500, ''channel'': ''bank_card'', ''type'': ''OVD_AND_CURRENT''}');

INSERT INTO "repayments" VALUES('default','rpy_akklgukrw7rpxeyehjgd','loan_tq3qtdl5426zp4lgncw2','S',3000,'CNY','bank_card','OVD_AND_CURRENT',NULL,NULL,'CH3XJQFDIQKRK5GGRW3UKE',3000,0,1767585600000,1767585605000,1767585605000,'OVD_AND_CURRENT',1767585605000,1,NULL,NULL,'POST /v1/loans/loan_tq3qtdl5426zp4lgncw2/repayments {''amount_minor'': 3000, ''channel'': ''bank_card'', ''type'': ''OVD_AND_CURRENT''}');

INSERT INTO "repayments" VALUES('default','rpy_ulg4bjmtoknj3fak266z','loan_zhwilffvc2p4lx2vsual','S',9500,'CNY','bank_transfer','OVD_AND_CURRENT',NULL,NULL,'CHEZAFM3KFSUF5OMVJADIC',9500,0,1767585600000,1767587400000,1767587400000,'OVD_AND_CURRENT',1767587400000,1,NULL,NULL,'POST /v1/loans/loan_zhwilffvc2p4lx2vsual/repayments {''amount_minor'': 9500, ''channel'': ''bank_transfer'', ''type'': ''OVD_AND_CURRENT''}');

INSERT INTO "repayments" VALUES('default','rpy_xlkiypz4hjge7ozyf5db','loan_zhwilffvc2p4lx2vsual','PROCESSING',3000,'CNY','bank_transfer','OVD_AND_CURRENT',NULL,NULL,NULL,0,0,1767585600000,NULL,NULL,NULL,NULL,0,NULL,NULL,'POST /v1/loans/loan_zhwilffvc2p4lx2vsual/repayments {''amount_minor'': 3000, ''channel'': ''bank_transfer'', ''type'': ''OVD_AND_CURRENT''}');

INSERT INTO "rule_counts" VALUES('default','drop',2,6,6,3,3);

INSERT INTO "rule_counts" VALUES('default','lag',1,6,6,6,6);

INSERT INTO "rulesets" VALUES('default','all','[{"id":"drop","rule":{"id":"drop","fault":"callback.dropped","match":{},"activate":{"start_delay_s":0},"select":{"probability":1,"unit":"occurrence","every":2},"with":{"attempts_lost":null},"expect":{},"enabled":true},"armed_ms":1767578400000,"revision":2,"zone":"Asia/Shanghai","on":[[2,null]]},{"id":"lag","rule":{"id":"lag","fault":"cache.bounded_stale","match":{},"activate":{"start_delay_s":0},"select":{"probability":1,"unit":"occurrence"},"with":{"lag_s":86400},"expect":{},"enabled":true},"armed_ms":1767578400000,"revision":1,"zone":"Asia/Shanghai","on":[[1,null]]},{"id":"wrong","rule":{"id":"wrong","fault":"operator.wrong_amount","match":{},"activate":{"start_delay_s":0},"select":{"probability":1,"unit":"occurrence"},"with":{"slip":"digits_swapped"},"expect":{},"enabled":true},"armed_ms":1767578400000,"revision":3,"zone":"Asia/Shanghai","on":[[3,null]]}]');

INSERT INTO "sandbox_uses" VALUES('default',1767578400000);

INSERT INTO "trades" VALUES('default','MLSITJE5TCOG5KLCEKYTZO','loan_askzqhztz5dg2nss2dhj','rpy_sitje5tcog5klcekytzo','wallet','CHDFX7XXYH7L2P4R562G4D','SUCCESS',9500,'CNY',NULL,NULL,'OVD_AND_CURRENT',1767578400000,1767578402000,NULL,NULL,NULL,1);

INSERT INTO "trades" VALUES('default','MLDC7BH3WCCXZM5PVPQ6DV','loan_askzqhztz5dg2nss2dhj','rpy_dc7bh3wccxzm5pvpq6dv','wallet','CHJDK5IZDNFI7V3H3UA6WV','SUCCESS',3000,'CNY',NULL,NULL,'OVD_AND_CURRENT',1767585600000,1767585602000,NULL,NULL,NULL,1);

INSERT INTO "trades" VALUES('default','MLHV6Z7O7PCGOQ6HGIS4Y5','loan_tq3qtdl5426zp4lgncw2','rpy_hv6z7o7pcgoq6hgis4y5','bank_card','CH5I4NKTKMHIFJJPXLPHFD','SUCCESS',9500,'CNY',NULL,NULL,'OVD_AND_CURRENT',1767585600000,1767585605000,NULL,NULL,NULL,1);

INSERT INTO "trades" VALUES('default','MLAKKLGUKRW7RPXEYEHJGD','loan_tq3qtdl5426zp4lgncw2','rpy_akklgukrw7rpxeyehjgd','bank_card','CH3XJQFDIQKRK5GGRW3UKE','SUCCESS',3000,'CNY',NULL,NULL,'OVD_AND_CURRENT',1767585600000,1767585605000,NULL,NULL,NULL,1);

INSERT INTO "trades" VALUES('default','MLULG4BJMTOKNJ3FAK266Z','loan_zhwilffvc2p4lx2vsual','rpy_ulg4bjmtoknj3fak266z','bank_transfer','CHEZAFM3KFSUF5OMVJADIC','SUCCESS',9500,'CNY',NULL,NULL,'OVD_AND_CURRENT',1767585600000,1767587400000,NULL,NULL,NULL,1);

INSERT INTO "trades" VALUES('default','MLXLKIYPZ4HJGE7OZYF5DB','loan_zhwilffvc2p4lx2vsual','rpy_xlkiypz4hjge7ozyf5db','bank_transfer','CHGDK5BOMVRPKRRR2OFA3G','SUCCESS',3000,'CNY',NULL,NULL,'OVD_AND_CURRENT',1767585600000,1767587400000,NULL,NULL,NULL,1);

INSERT INTO "world_facts" VALUES('default','loan_askzqhztz5dg2nss2dhj','loan_askzqhztz5dg2nss2dhj','disbursement',1767578400000,'2026-01-05',100000,'bank_transfer',NULL,NULL,NULL,NULL,NULL,0,1767578400000,0);

INSERT INTO "world_facts" VALUES('default','loan_askzqhztz5dg2nss2dhj','rpy_sitje5tcog5klcekytzo','receipt',1767578402000,'2026-01-05',9500,'wallet','OVD_AND_CURRENT',NULL,NULL,NULL,NULL,0,1767578402000,0);

INSERT INTO "world_facts" VALUES('default','loan_tq3qtdl5426zp4lgncw2','loan_tq3qtdl5426zp4lgncw2','disbursement',1767585600000,'2026-01-05',100000,'bank_transfer',NULL,NULL,NULL,NULL,NULL,0,1767585600000,0);

INSERT INTO "world_facts" VALUES('default','loan_zhwilffvc2p4lx2vsual','loan_zhwilffvc2p4lx2vsual','disbursement',1767585600000,'2026-01-05',100000,'bank_transfer',NULL,NULL,NULL,NULL,NULL,0,1767585600000,0);

INSERT INTO "world_facts" VALUES('default','loan_askzqhztz5dg2nss2dhj','rpy_dc7bh3wccxzm5pvpq6dv','receipt',1767585602000,'2026-01-05',3000,'wallet','OVD_AND_CURRENT',NULL,NULL,NULL,NULL,0,1767585602000,0);

INSERT INTO "world_facts" VALUES('default','loan_tq3qtdl5426zp4lgncw2','rpy_akklgukrw7rpxeyehjgd','receipt',1767585605000,'2026-01-05',3000,'bank_card','OVD_AND_CURRENT',NULL,NULL,NULL,NULL,0,1767585605000,0);

INSERT INTO "world_facts" VALUES('default','loan_tq3qtdl5426zp4lgncw2','rpy_hv6z7o7pcgoq6hgis4y5','receipt',1767585605000,'2026-01-05',9500,'bank_card','OVD_AND_CURRENT',NULL,NULL,NULL,NULL,0,1767585605000,0);

INSERT INTO "world_facts" VALUES('default','loan_zhwilffvc2p4lx2vsual','rpy_ulg4bjmtoknj3fak266z','receipt',1767587400000,'2026-01-05',9500,'bank_transfer','OVD_AND_CURRENT',NULL,NULL,NULL,NULL,0,1767587400000,0);

INSERT INTO "world_facts" VALUES('default','loan_zhwilffvc2p4lx2vsual','rpy_xlkiypz4hjge7ozyf5db','receipt',1767587400000,'2026-01-05',3000,'bank_transfer','OVD_AND_CURRENT',NULL,NULL,NULL,NULL,0,1767587400000,0);
