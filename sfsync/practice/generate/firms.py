"""Names of companies: a coined brand, what it does in the country's language, and a legal form.

Brand and trade together are unique over all companies, so that two of one name are never an accident.
"""

from __future__ import annotations

from sfsync.practice.generate.names import Word, ascii_of

# 60 x 40 x 24 brands in Latin letters, each with one of 20 trades.
_HEADS = (
    "Al Am Ar Bal Bel Bran Cal Cam Car Cor Dal Del Dor Dra El Er Fal Fen Fer Gal Gar Gen Hal Har Hel Jor Jul Kal Kar "
    "Ken Kor Lan Lav Lor Lum Mar Mel Mon Nav Nel Nor Ol Or Pal Par Pel Quin Ral Ren Ros Sal Sel Sol Tal Tor "
    "Val Vel Ver "
    "Vin Zel"
).split()
_MIDDLES = (
    "adi afo aki ami ani apo aro avi edo efa eki eli emo eno epi era eto evo ibo ida ifa iko imo ino ipa iro "
    "ita ivo obi "
    "oda ofi oka omi ona opi ora ovi uda uno uri"
).split()
_TAILS = "bex cor dia dyn fex gon kos lan lex lith lon mex mir nex nis phon plex ris sys tek tis tron vex zen".split()

_ENGLISH = (
    "Logistics Systems Foods Energy Packaging Instruments Robotics Textiles Pharma Steel Software Plastics "
    "Optics Paper "
    "Ceramics Farming Printing Furniture Insurance Trading"
)
_TRADES: dict[str, str] = {
    "US": _ENGLISH,
    "GB": _ENGLISH,
    "DE": "Maschinenbau Werkzeuge Spedition Elektrotechnik Getränke Möbelwerke Antriebstechnik Lebensmittel Anlagenbau "
    "Medizintechnik Verpackungen Druckerei Stahlhandel Versicherungen Baustoffe Kunststoffwerk Fördertechnik Gießerei "
    "Gebäudetechnik Softwarehaus",
    "FR": "Transports Équipements Énergies Emballages Boissons Matériaux Conseil Assurances Bâtiment "
    "Cosmétiques Textile "
    "Informatique Métallerie Ingénierie Santé Vignobles Aéronautique Imprimerie Menuiserie Fromagerie",
    "ES": "Transportes Alimentación Construcciones Energía Maquinaria Textil Consultoría Seguros Cerámica "
    "Envases Bodegas "
    "Ingeniería Hostelería Muebles Electrónica Papelera Informática Siderurgia Aceites Turismo",
    "IT": "Trasporti Alimentari Costruzioni Macchine Imballaggi Tessuti Consulenza Assicurazioni Ceramiche Meccanica "
    "Arredamenti Elettronica Ingegneria Vini Calzature Acciai Gomma Stampa Moda Farmaceutici",
    "NL": "Vervoer Machines Voeding Verpakkingen Bouw Verzekeringen Advies Techniek Kwekerij Drukwerk Metaal "
    "Scheepsbouw "
    "Zuivel Installaties Kunststoffen Automatisering Vastgoed Bloemen Meubelen Opslag",
    "PL": "Transportowa Maszyny Spożywcza Budownictwo Opakowania Ubezpieczenia Doradztwo Technika Drukarnia "
    "Metale Meble "
    "Chłodnictwo Oprogramowanie Energetyka Odzież Ceramika Hutnictwo Ogrodnictwo Mleczarnia Motoryzacja",
    "SE": "Åkeri Livsmedel Förpackningar Byggnads Försäkringar Rådgivning Teknik Tryckeri Stål Möbler Elektronik Skog "
    "Verkstad Fastigheter Energi Maskiner Bageri Mejeri Plåt Verktyg",
    "JP": "物流:butsuryu 電機:denki 食品:shokuhin 化学:kagaku 建設:kensetsu 製薬:seiyaku 印刷:insatsu "
    "工業:kogyo 商事:shoji "
    "運輸:unyu 精密:seimitsu 製作所:seisakusho 金属:kinzoku 情報:joho 保険:hoken 紡績:boseki 硝子:garasu 産業:sangyo "
    "機械:kikai 設計:sekkei",
    "CN": "物流:wuliu 电子:dianzi 食品:shipin 化工:huagong 建筑:jianzhu 医药:yiyao 印刷:yinshua 机械:jixie 贸易:maoyi "
    "运输:yunshu 仪器:yiqi 软件:ruanjian 钢铁:gangtie 信息:xinxi 能源:nengyuan 纺织:fangzhi 玻璃:boli 包装:baozhuang "
    "家具:jiaju 咨询:zixun",
    "TR": "Lojistik Makine Gıda İnşaat Ambalaj Sigorta Danışmanlık Tekstil Matbaa Demirçelik Mobilya Yazılım Seramik "
    "Otomotiv Kimya Plastik Tarım Turizm Taşımacılık Elektrik",
}
_FORMS: dict[str, str] = {
    "US": "Inc.|, Inc.|LLC|Corp.|Corporation|Co.",
    "GB": "Ltd|Limited|PLC|LLP",
    "DE": "GmbH|AG|KG|UG",
    "FR": "SAS|SARL|SA",
    "ES": "S.L.|S.A.|SL",
    "IT": "S.r.l.|S.p.A.|Srl",
    "NL": "B.V.|BV|N.V.",
    "PL": "Sp. z o.o.|S.A.|SA",
    "SE": "AB",
    "JP": "株式会社|有限会社",
    "CN": "有限公司|股份有限公司|有限责任公司",
    "TR": "A.Ş.|Ltd. Şti.",
}
# 40 x 40 brands in ideographs.
_JAPANESE = (
    "旭:asahi 光:mitsu 三:san 明:mei 共:kyo 東:to 栄:ei 豊:toyo 丸:maru 富:fu 昭:sho 清:sei 新:shin 日:nichi "
    "大:dai 北:hoku "
    "南:nan 第:dai1 協:kyou 丹:tan 八:hachi 九:kyu 千:sen 万:man 銀:gin 鉄:tetsu 竹:chiku 梅:bai 鶴:tsuru "
    "亀:kame 鷹:taka "
    "虎:tora 龍:ryu 海:kai 港:minato 峰:mine 泉:izumi 星:hoshi 月:getsu 雪:yuki"
)
_CHINESE = (
    "华:hua 中:zhong 东:dong 金:jin 恒:heng 盛:sheng 瑞:rui 泰:tai 鑫:xin 永:yong 康:kang 达:da 通:tong 宏:hong 伟:wei "
    "嘉:jia 美:mei 德:de 力:li 天:tian 海:hai 龙:long 飞:fei 凯:kai 博:bo 源:yuan 丰:feng 顺:shun 安:an 和:he "
    "利:lei 兴:xing "
    "福:fu 祥:xiang 益:yi 润:run 正:zheng 启:qi 晨:chen 卓:zhuo"
)
SCRIPTS = {"JP": "JP", "CN": "CN"}
"""Countries whose brands are not in Latin letters, with the pool they draw on."""


def brand_parts() -> dict[str, tuple[list[Word], list[Word], list[Word]]]:
    """Pool ("Latin", "JP", "CN") → the three lists whose every combination is a brand."""
    made = {"Latin": (_plain(_HEADS), _plain(_MIDDLES), _plain(_TAILS))}
    for pool, text in (("JP", _JAPANESE), ("CN", _CHINESE)):
        made[pool] = (_spelled(text), _spelled(text), [Word("", "")])
    return made


def trades(country: str) -> list[Word]:
    return _spelled(_TRADES[country])


def legal_forms(country: str) -> list[str]:
    """As appended to the name, with what separates it: " GmbH", ", Inc.", "有限公司"."""
    forms = _FORMS[country].split("|")
    return forms if country in SCRIPTS else [f if f.startswith(",") else f" {f}" for f in forms]


def _plain(words: list[str]) -> list[Word]:
    return [Word(w, ascii_of(w)) for w in words]


def _spelled(text: str) -> list[Word]:
    pairs = [token.partition(":") for token in text.split()]
    return [Word(written, spelled or ascii_of(written, "DE")) for written, _, spelled in pairs]
