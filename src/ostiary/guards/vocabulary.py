"""Kinds of words that attacks are made of, in thirty languages: who is spoken to, what is wanted, what is hushed. Pure.

What kinds stand together, and in which order, says more than which words they are, and holds for words that were never
seen in training. A word may be of several kinds; the first of them is how it is read in a row.
"""

# Lines are words of one kind, and a little longer than others; they hold the letters of their languages.
# ruff: noqa: E501, RUF001, SIM905

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Final

from ostiary.guards import tongues

_VERBS: Final = {
    "send": "send forward email mail transmit upload post submit publish tweet leak exfiltrate deliver relay share dispatch route mirror transfer export sync push ship report notify message broadcast redirect copy cc bcc beacon ping",
    "fetch": "fetch open visit read load retrieve download browse navigate curl wget follow click request query pull access look check scan inspect view cat list search find lookup consult refer",
    "call": "call invoke run execute trigger use launch start perform activate issue chain install import eval apply schedule",
    "put": "put include append attach embed insert add paste write place encode prefix suffix prepend store save record log fill populate pass supply provide give hand enter set carry return echo quote render display",
    "break": "delete remove wipe erase drop destroy purge revoke kill truncate shred uninstall clear archive close cancel reject refuse block terminate stop halt",
    "change": "change replace update modify edit switch swap alter rewrite overwrite rename reset rotate override substitute adjust configure move redirect patch turn point",
    "grant": "grant invite approve authorize authorise permit enable allow whitelist allowlist promote elevate assign merge accept trust unlock escalate sign waive",
    "disable": "disable bypass skip suppress omit mute deactivate ignore disregard discard neglect forget void supersede abandon cease",
    "pay": "pay wire buy purchase order book subscribe donate refund remit reimburse withdraw deposit",
    "say": "say tell reply respond answer state mention inform explain announce claim assure advise warn suggest confirm acknowledge alert disclose reveal discuss repeat print output dump show describe summarize summarise conclude present introduce refer ask",
    "rank": "recommend prefer rate rank score praise endorse classify label mark favor favour prioritize prioritise choose select cite credit",
    "keep": "remember memorize memorise persist retain keep maintain preserve",
    "act": "pretend act behave imagine roleplay obey comply adopt assume switch become operate treat consider regard",
    "process": "process handle parse index ingest crawl analyze analyse review triage evaluate translate consume digest interpret",
    "hide": "hide conceal mask withhold obscure",
}  # fmt: skip
"""Their other forms are made of these."""
_IRREGULAR: Final = {
    "send": "sent", "forget": "forgot forgotten", "read": "read", "put": "put", "write": "wrote written", "give": "gave given",
    "hide": "hid hidden", "keep": "kept", "tell": "told", "say": "said", "show": "showed shown", "pay": "paid", "buy": "bought",
    "find": "found", "run": "ran", "become": "became", "choose": "chose chosen", "withdraw": "withdrew withdrawn",
    "set": "set", "understand": "understood", "overwrite": "overwrote overwritten", "rewrite": "rewrote rewritten", "override": "overrode overridden",
}  # fmt: skip
_NOUNS: Final = {
    "not": "not don doesn didn won isn aren shouldn mustn can't cannot never without no nobody none nothing neither nor avoid refrain nicht nichts kein keine keinen nie niemals ohne ne pas sans jamais aucun nada nunca sin jamás non senza mai não sem niet nooit geen zonder nie bez nigdy не без никогда ни не надо 不 不要 请勿 切勿 勿 别 不得 无需 ない ません しない 않 마세요 inte aldrig değil asla",
    "ai": "ai llm llms gpt chatgpt claude gemini copilot chatbot chatbots assistant assistants assistente assistent asistente assistenten ki ia ии ассистент ассистенту помощник помощнику нейросеть asystent asystencie 助手 人工智能 大模型 智能体 模型 アシスタント エージェント モデル 人工知能 어시스턴트 에이전트 yapay zeka",
    "agent": "automated software program programs robot robots crawlers summarisers summarizers parser parsers agent agents model models bot bots automation machine machines crawler summarizer summariser orchestrator pipeline planner runtime copilots autopilot integration connector agente agenti агент агенту modell modèle modelo",
    "user": "user users human humans person people operator operators customer customers requester client clients owner employee employees staff colleague anyone anybody everyone someone benutzer nutzer anwender utilisateur utilisateurs usuario usuarios utente utenti usuário usuários gebruiker gebruikers użytkownik użytkownika użytkownikowi użytkownikom пользователь пользователю пользователя пользователям 用户 使用者 ユーザー ユーザ 利用者 사용자 användaren kullanıcı kullanıcıya",
    "whoever": "anything readers whoever whichever reader readers recipient recipients caller callers consumer consumers processor viewer",
    "you": "you your yours yourself du dein deine deinen deiner dir dich sie ihr ihre ihren ihrer vous votre vos tu ton ta tes toi tú usted ustedes su sus tuo tua tuoi lei você vocês seu sua je jij uw jouw u ty twój twoje twoja вы вас вам ваш ваши ты твой твои тебе 你 您 你的 您的 あなた 당신 sen siz",
    "me": "i me my mine we us our ours myself ich mir mich wir uns unser unsere nous notre nos mon ma mes yo mi nosotros nuestro nuestra io noi nostro nostra eu meu minha nós nosso ik wij ons onze mnie nas nasz мы нас нам наш я мне мой 我 我们 私 우리",
    "must": "must should shall need needs needed required require requires mandatory obligatory obliged expected supposed necessary has have ought instructed ordered muss musst müssen soll sollst sollen doit dois doivent devez debe debes deben deve devi devono devem moet moeten musi musisz należy должен должна должны необходимо нужно следует 必须 应 需要 必要 なければ べき 해야 måste",
    "please": "please kindly bitte merci veuillez favor prego alstublieft graag proszę пожалуйста 请 請 ください お願い 주세요 lütfen snälla gentilmente",
    "always": "always every each all any whenever everything everywhere anytime only entire full complete whole immer jede jeder jedes jedem alle alles sämtliche gesamten toujours chaque tous toutes tout siempre cada todo todos toda todas sempre ogni tutti tutte tutto altijd elke zawsze każdy każdej wszystkie всегда каждый каждого все всю весь 每次 所有 全部 总是 始终 一切 すべて 全て 常に 必ず 毎回 모든 항상 alla varje her tüm",
    "if": "if when once unless upon should case provided wenn falls sobald si quand lorsque dès cuando se quando als wanneer zodra jeśli gdy kiedy если когда 如果 当 每当 若 もし 場合 时 時 eğer",
    "before": "before prior first until beforehand previously ahead prerequisite bevor vor zuerst vorher zunächst avant abord antes primero prima primeiro voordat eerst zanim najpierw przed прежде перед сначала сперва 之前 首先 先 前に まず 전에 innan önce",
    "after": "after afterwards then finally next later subsequently afterward following finished done nachdem danach anschließend après ensuite puis después luego dopo poi depois em seguida nadat daarna następnie potem затем потом после 然后 之后 接着 その後 次に 후에 sedan sonra",
    "also": "also additionally furthermore moreover plus besides too well außerdem zusätzlich auch également aussi también además anche inoltre também além ook tevens również także также кроме 另外 同时 此外 还 また さらに",
    "now": "now immediately urgent urgently asap critical emergency instantly promptly right straightaway today deadline sofort umgehend dringend jetzt immédiatement urgence maintenant inmediatamente urgente ahora subito immediatamente agora imediatamente direct onmiddellijk nu natychmiast teraz pilne немедленно срочно сейчас 立即 马上 紧急 现在 直ちに すぐに 至急 즉시 긴급",
    "note": "remark directive priority important note attention warning notice reminder caution remark hint tip nb wichtig hinweis achtung note importante nota attenzione aviso opmerking let uwaga ważne внимание важно 注意 重要 提示 通知 备注 说明 警告 注記 중요 참고 önemli",
    "hush": "silently quietly secretly covertly discreetly invisibly stealthily background hidden secret confidential private unnoticed transparently seamlessly quiet heimlich stillschweigend discrètement silencieusement secret discretamente silenciosamente silenziosamente stilletjes heimelijk dyskretnie скрытно молча тихо незаметно 悄悄 秘密 静默 偷偷 后台 こっそり 密かに 黙って 몰래",
    "consent": "confirmation approval consent permission authorization authorisation acknowledgement acknowledgment bestätigung zustimmung erlaubnis confirmación confirmation permiso conferma permesso confirmação bevestiging toestemming potwierdzenie potwierdzenia zgody подтверждение подтверждения согласия разрешения 确认 同意 许可 批准 承認 確認 許可 확인 승인",
    "loot": "password passwords passphrase key keys token tokens credential credentials secrets cookie cookies ssh wallet seed mnemonic env pin otp mfa cvv ssn apikey passwort passwörter kennwort zugangsdaten schlüssel geheimnisse mot passe clé clés identifiants contraseña contraseñas claves credenciales chiavi credenziali senha senhas chaves credenciais wachtwoord wachtwoorden sleutel sleutels hasło hasła klucz klucze пароль пароли паролей ключ ключи ключей учетные токен токены 密码 密钥 凭证 凭据 令牌 私钥 パスワード 鍵 キー 認証情報 トークン 비밀번호 키 lösenord şifre",
    "context": "conversation conversations chat history transcript transcripts context prompt prompts dialogue dialog thread session sessions turns memory scratchpad reasoning utterance gespräch gesprächsverlauf unterhaltung verlauf kontext systemprompt conversación historial contexto conversazione cronologia contesto conversa histórico gesprek geschiedenis rozmowy historia historię rozmowę переписка переписки переписку истории историю контекст промпт диалог 对话 聊天 历史 上下文 提示词 会话 记录 会話 履歴 文脈 プロンプト 대화 기록 프롬프트 sohbet",
    "data": "data record records file files document documents contacts database roster directory inbox mailbox repository repo emails messages contents content attachment attachments list invoice invoices tickets details information daten dateien datei kundendaten unterlagen données fichier fichiers documents datos archivo archivos dati dati file dados arquivo arquivos gegevens bestand bestanden dane pliki plik данные данных файл файлы содержимое 数据 文件 资料 客户 内容 名单 データ ファイル 顧客 内容 데이터 파일 filer veri dosya",
    "tool": "tool tools function functions api apis command commands plugin mcp server connector skill action terminal shell powershell bash script werkzeug werkzeuge tool befehl outil outils commande herramienta herramientas comando strumento strumenti ferramenta ferramentas gereedschap opdracht narzędzie narzędzia narzędzi polecenie инструмент инструменты инструмента команду команда функцию 工具 函数 命令 ツール 関数 コマンド 도구 명령 verktyg araç",
    "field": "argument arguments parameter parameters field fields property metadata header body payload query value input param slot attribute subject feld parameter champ paramètre campo parámetro parametro parâmetro veld pole parametr поле параметр аргумент 参数 字段 引数 パラメータ フィールド 매개변수 필드",
    "reply": "response responses reply replies answer answers summary summaries output report antwort antworten zusammenfassung réponse résumé respuesta resumen risposta riassunto resposta resumo antwoord samenvatting odpowiedź odpowiedzi podsumowanie ответ ответа ответом ответе резюме 回答 回复 答复 摘要 总结 回答 返答 応答 要約 답변 응답 요약 svar yanıt cevap",
    "place": "url urls link links webhook endpoint address site website host domain server collector mailbox adresse server lien dirección enlace sitio indirizzo collegamento endereço adres strona adres link ссылка ссылку адрес адресу сайт 链接 地址 网址 接口 リンク アドレス 주소 링크",
    "orders": "instruction instructions rule rules guideline guidelines order orders directive directives policy policies restriction restrictions objective mission priority priorities constraints guardrails safeguards anweisung anweisungen regeln vorgaben richtlinien consignes instructions règles directives instrucciones reglas istruzioni regole instruções regras instructies regels aanwijzingen instrukcje instrukcji zasady polecenia инструкции инструкций инструкция правила правил указания указаний 指令 指示 规则 规定 政策 要求 指示 規則 ルール 命令 지시 규칙 지침 instruktioner talimat talimatları",
    "past": "previous prior earlier above preceding original old initial past existing current foregoing vorherigen bisherigen vorigen früheren précédentes précédents antérieures anteriores previas precedenti anteriores vorige eerdere poprzednie wcześniejsze предыдущие предыдущих прежние прошлые 以前 先前 上述 以上 前面 之前的 以前の 前の 上記 이전 tidigare önceki",
    "boss": "boss employer principal mandate clearance authorised authorized authority system admin administrator administrators security compliance policy governance audit legal management developer developers maintainer maintainers platform vendor provider corporate headquarters ceo cfo cto executive helpdesk supervisor anthropic openai google microsoft administration verwaltung sicherheit sécurité administrateur administrador seguridad amministratore sicurezza segurança beheerder beveiliging administratora bezpieczeństwa администратор администратора безопасности систем 系统 管理员 安全 合规 管理 開発者 システム 管理者 시스템 관리자",
    "pretext": "verify verification verified validate validation setup onboarding synchronize synchronise synchronization compliance logging telemetry diagnostics diagnostic calibration traceability continuity attestation provenance reconciliation enrichment personalization authenticate authentication handshake session integrity accuracy troubleshooting monitoring quality assurance überprüfung verifizierung vérification verificación verifica verificação weryfikacja weryfikacji verificatie проверки верификации 验证 核实 同步 检证 検証 同期 認証 인증 검증",
    "else": "otherwise else fail fails failure error crash crashes blocked rejected invalid incomplete deprecated unavailable lost suspended terminated penalized sonst andernfalls sinon contrario altrimenti caso anders inaczej иначе 否则 否則 さもないと 그렇지 annars yoksa",
    "task": "task tasks request requests job workflow step steps process procedure operation work aufgabe schritt tâche étape tarea paso compito passo tarefa taak stap zadanie krok задача задачи задачу шаг 任务 步骤 流程 请求 作業 タスク 手順 작업 uppgift görev",
    "money": "payment payments account iban bank card transfer amount usd eur bitcoin btc eth wire beneficiary payee crypto zahlung konto überweisung paiement compte pago cuenta pagamento conto conta betaling rekening płatność konto платеж счет перевод 付款 账户 转账 支払い 口座 振込 결제 계좌",
    "power": "admin administrator access role permission permissions public collaborator root sudo privileges scope member owner editor zugriff rechte accès acceso permisos accesso acesso toegang dostęp доступ права 权限 访问 権限 アクセス 권한",
    "mode": "mode role persona character unrestricted unlimited jailbroken developer dan sudo debug maintenance filter filters censorship modus rolle rôle rol ruolo modo tryb rola режим режиме роль 模式 角色 モード 役割 모드",
    "later": "future permanently henceforth forever onwards subsequent persistent long-term künftig zukünftig dauerhaft désormais futures futuro futuras adelante futuri futuro toekomst przyszłości впредь будущих 以后 今后 永久 今後 永続 앞으로",
    "other": "other others another instead rather alternatives similar competing different remaining andere anderen anderes autre autres otra otras otros altri altre outras outros inne innych другие других другой 其他 别的 他の 別の 다른",
    "attack": "attack attacks attacker attackers adversary adversarial injection injections jailbreak jailbreaks malicious phishing exploit exploits vulnerability vulnerabilities vulnerable owasp mitre atlas cve mitigation mitigate mitigations guardrail detect detects detected detection detector detectors classifier payload payloads threat threats sanitize sanitise poisoning poisoned exfiltration untrusted defense defence defenses victim victims abuse hijack hijacking spoof researcher researchers angreifer angriff angriffe attaque attaquant ataque atacante attacco attaccante aanvaller aanval atak atakujący уязвимость атака атаки злоумышленник 攻击 攻击者 注入 漏洞 攻撃 攻撃者 脆弱性 공격",
    "sample": "example examples instance sample phrase phrases string strings pattern patterns keyword keywords text texts saying says like such eg called quoted dataset benchmark test tests case cases beispiel exemple ejemplo esempio exemplo voorbeeld przykład пример например 例如 示例 例えば 예",
    "polite": "thanks thank regards hi hello dear cheers sincerely best hallo bonjour hola ciao olá danke gracias grazie obrigado dziękuję спасибо привет здравствуйте 谢谢 您好 ありがとう こんにちは",
    "someone": "team manager lead engineer engineers editor driver nurse doctor patient student teacher tenant landlord contractor supplier reviewer reviewers author authors volunteer volunteers guest guests parent parents visitor visitors technician he she they him her them",
    "past_tense": "was were did had yesterday last ago been ever happened agreed decided discussed noticed",
    "can": "can may could might would optionally optional able lets allows possible supports returns default kann können peut peuvent puede pueden può possono pode podem kan kunnen może можно может 可以 可 能 できる",
}  # fmt: skip
FUNCTION: Final = frozenset(
    "the a an this that these those to of in on at by for from with into as is are be it its and or but so than that's which who what how why where because per via about while during under over between out up off do does will there here just same new own more most some via using".split()
)
"""Words that are read as themselves in a row."""
_MARKS: Final = frozenset('.,:!?"`<>({#0')
_SHAPES: Final = {"\x01b": "CODE", "\x01u": "URL", "\x01m": "MAIL", "\x01n": "NAME", "\x01s": "SLOT", "\x01p": "PATH"}
_STEMS: Final = {
    "send": "schick sende weiterleit leite übermittl übertrag hochlad lade teile envoie envoy transmet transfér partag publi envia enví envíe reenv transmit compart remite inviar invia inoltr trasmett condivid carica enviar envie encaminh compartilh stuur verstuur verzend doorstur upload deel wyśl prześl przeka udostępn отправ перешл переда направ загруз опублик поделит 发送 发给 转发 上传 提交 发布 传送 共享 送信 送って 転送 投稿 アップロード 共有 보내 전송 전달 업로드 skicka vidarebefordra gönder ilet",
    "fetch": "öffne abruf ruf lies lesen lade besuch ouvre ouvrir consult récupér lire lis abre abrir lee leer visit consigue obtén apri aprire leggi leggere scarica abra leia acesse baixe lees bekijk haal otwórz przeczyt pobierz odczyt открой прочит прочти загрузи скачай посет 读取 打开 访问 获取 查询 下载 读 開いて 読み 取得 アクセス 参照 열어 읽어 방문 öppna läs hämta oku ziyaret",
    "call": "führe ausführ ausfuhr starte rufe aufruf exécut appel lance lancez ejecut llama invoca utiliza usa esegui eseguire chiama usare usa execut chame invoque rode voer uitvoer roep gebruik wykon uruchom wywoł użyj выполн запуст вызов вызва используй 调用 执行 运行 使用 实行 実行 呼び出 使用 使って 실행 호출 사용 kör anropa använd çalıştır çağır kullan",
    "put": "füge ergänz schreib speicher trage hänge gib ajout écri insér inclu enregistr ajoute incluy añad agreg escrib guard pon inserta aggiung includ inser scrivi salva acrescent adicion inclua escreva salve voeg zet schrijf toevoeg bewaar dodaj dołącz wpisz zapisz umieść добав включ впиши запиши вставь сохран 添加 附上 附加 写入 包含 填入 填写 放入 保存 加入 追加 含め 記入 書き込 保存 添付 入力 포함 추가 입력 첨부 저장 lägg inkludera skriv ekle yaz kaydet",
    "break": "lösch entfern vernicht lehne supprim efface détrui refus borra borrar elimin destruy rechaz cancella eliminare rimuov rifiut apag exclu remov rejeit verwijder wis weiger usuń usun skasuj odrzuć удали сотри уничтож отклони 删除 清空 移除 拒绝 销毁 削除 消去 拒否 삭제 제거 거부 ta bort radera sil kaldır",
    "change": "änder ersetz tausch wechsle remplac modif chang reemplaz cambi sustitu sostitu modific cambia substitu altere mude vervang wijzig zmień zastąp podmień замени измен поменя 更改 替换 修改 改为 変更 置き換 書き換 변경 바꿔 ändra byt değiştir",
    "grant": "genehmig gewähr erlaub freigeb lade approuv accord autoris invit aprueb aprob conced autoriz approv concedi autorizz aprov conced autoriz goedkeur keur verleen zatwierdź nadaj przyznaj одобр предостав разреш назнач 批准 授予 邀请 允许 承認して 付与 許可して 招待 승인하 부여 허용 godkänn bevilja onayla",
    "disable": "ignorier vergiss vergess missacht deaktivier überspring umgeh übergeh ignor oubli désactiv contourn olvid desactiv omit salta dimentic disattiv trascur salta esqueç desativ desconsider pule negeer vergeet schakel omzeil zignoruj zapomnij pomiń wyłącz игнорир забуд отключ пропуст проигнор 忽略 无视 忘记 关闭 禁用 跳过 绕过 無視 忘れ 停止 無効 스킵 무시 잊어 비활성 ignorera glöm yoksay görmezden",
    "say": "sag erwähn mitteil inform verrat erzähl antwort nenn teile melde bestätig dis dire dites mentionn répond indiqu annonc informe diga decir digas dile respond mencion confirm inform revel dì dire dica rispond menzion comunic conferma diga dizer conte informe responda mencione revele zeg vertel meld antwoord noem bevestig powiedz mów wspomin odpowied poinformuj informuj potwierdź скажи сообщ говори упомин ответь расскаж подтверд покаж 告诉 告知 提及 透露 回复 说明 输出 显示 通知 答复 声称 伝え 知らせ 言及 教え 返信 回答して 出力 表示 알리 말하 언급 답변하 출력 berätta nämn svara söyle bahset bildir",
    "rank": "empfehl bevorzug bewert recommand préfér recomiend recomend prefier calific consiglia raccomand preferisc recomend prefira avalie aanbevel beveel beoordeel poleć polecaj oceń рекоменд предпоч оцени 推荐 优先 评为 推薦 おすすめ 評価して 추천 rekommendera öner",
    "pay": "überweis bezahl zahl kaufe bestell vire virer paye payer achète transfier paga compra paga bonifica acquista pague compre transfira betaal maak koop przelej zapłać kup оплат переведи перевест купи 支付 转账 购买 汇款 支払って 送金 購入 결제하 송금 구매 betala köp öde satın",
    "keep": "merk behalt erinner souviens mémoris retiens recuerda memoriz ricorda memorizz lembre memorize onthoud zapamiętaj запомни 记住 记忆 覚えて 記憶 기억 kom ihåg hatırla",
    "process": "lies verarbeit zusammenfass bearbeit trait analys résum proces analiz resumi elabor analizz riassum analis resuma verwerk samenvat przetwarz podsumow analizuj обработ анализ обобщ 处理 分析 总结时 阅读 処理 要約する 分析 読んで 처리 요약하 분석 bearbeta sammanfatta işle özetle",
    "hide": "verberg verheimlich dissimul oculta escond nascond esconda omita verberg ukryj скрой утаи 隐藏 隐瞒 隠し 隠す 숨기 dölj gizle",
    "act": "du bist gib dich tu es agis comporte eres actúa finge sei agisci fingi você é aja finja je bent gedraag jesteś udawaj ты веди притвор 你是 扮演 假装 あなたは ふりを 당신은 척",
    "please": "bitte", "must": "musst müsse soll devr deber dovr dever moet musi долж", "not": "niema",
    "user": "benutzer nutzer utilisat usuari utent utilizad gebruiker użytkown пользоват", "loot": "passw kennw zugangsd contrase creden wachtwo parol hasł пароль секрет",
    "ai": "assisten asisten ki-assist ассистент asystent помощник", "orders": "anweisung vorgabe richtlin instrucc istruz instruç instruct aanwijz instrukc инструкц указани правил",
    "context": "gespräch unterhalt conversac conversaz histori переписк", "tool": "werkzeug herramient strument ferrament narzędz инструмент", "reply": "antwort zusammenfass respuest rispost respost antwoord odpowied ответ",
    "consent": "bestätigung zustimm freigabe aprobaci autorizac autorizzaz aprovaç goedkeur potwierdz zgod подтвержд согласи",
}  # fmt: skip
"""How words of other languages begin, or the words where no blanks stand between them."""
NAMES: Final = (*_VERBS, *_NOUNS)
"""Every kind, in the order of their bits."""
BIT: Final[Mapping[str, int]] = {name: 1 << at for at, name in enumerate(NAMES)}
DEEDS: Final = reduce(or_, (BIT[name] for name in _VERBS))
_SHORTEST, _LONGEST = 3, 9
"""Letters of the beginnings of words."""
_SYLLABLES: Final = re.compile("[\uac00-\ud7a3]{2,}")
"""Words of Korean, to which what they do in a sentence is joined; a letter of it is a syllable."""
_JOINING: Final = (
    (re.compile("[\u0600-\u06ff]{2,}"), ("ال", "و", "ف", "ب", "ل", "وال", "بال", "لل", "ول")),
    (re.compile("[\u05d0-\u05ea]{2,}"), ("ה", "ו", "ב", "ל", "ש", "מ", "וה", "שה", "בה", "ול")),
)  # fmt: skip
"""What small words are written together with the word after them, by script."""


def _forms(verb: str) -> tuple[str, ...]:
    """Return what becomes of an English verb, without its first form."""
    last, stem = verb[-1], verb
    if last == "e":
        stem = verb[:-1]
        return f"{verb}s", f"{verb}d", f"{stem}ing"
    if last == "y" and verb[-2] not in "aeou":
        return f"{verb[:-1]}ies", f"{verb[:-1]}ied", f"{verb}ing"
    third = f"{verb}es" if verb.endswith(("s", "sh", "ch", "x")) else f"{verb}s"
    doubled = f"{verb}{last}" if re.search(r"[^aeiou][aeiou][bdgmnpt]$", verb) else verb
    return third, f"{verb}ed", f"{verb}ing", f"{doubled}ed", f"{doubled}ing"


def _listed() -> tuple[dict[str, int], dict[str, str], dict[str, str], tuple[str, ...]]:
    """Return the kinds of each word, how each is read in a row, how words that begin so are, and words without blanks."""
    bits: dict[str, int] = {}
    read: dict[str, str] = {}
    for word, name, said in _words():
        bits[word] = bits.get(word, 0) | BIT[name]
        read.setdefault(word, said)
    begin = dict(reversed(list(_begin())))
    for word, name in read.items():
        if _SYLLABLES.match(word):
            begin.setdefault(word[:_LONGEST], name)
    joined = sorted((word for word in bits if _JOINED.match(word) and len(word) > 1), key=lambda word: -len(word))
    return bits, read, begin, tuple(joined)


def _words() -> Iterator[tuple[str, str, str]]:
    """Yield each word with a kind of it, and how it is read in a row."""
    for name, words in _NOUNS.items():
        yield from ((word, name, name) for word in words.split())
    for name, verbs in _VERBS.items():
        for verb in verbs.split():
            yield verb, name, name
            yield from ((form, name, f"{name}~") for form in (*_forms(verb), *_IRREGULAR.get(verb, "").split()))
    for name, words in tongues.WORDS.items():
        yield from ((form, name, name) for word in words.split() for form in (word, *_joining(word)))
    for name, stem in _stems():
        if _JOINED.match(stem):
            yield stem, name, name


def _stems() -> Iterator[tuple[str, str]]:
    for name, stems in (*_STEMS.items(), *tongues.STEMS.items()):
        yield from ((name, stem) for stem in stems.split())


def _begin() -> Iterator[tuple[str, str]]:
    """Yield how words begin, and their kind; of two kinds the first counts."""
    for name, stem in _stems():
        if not _JOINED.match(stem) and (len(stem) >= _SHORTEST or _SYLLABLES.match(stem)):
            yield stem[:_LONGEST], name


def _joining(word: str) -> Sequence[str]:
    """Return a word with what may be written together with it."""
    return [f"{each}{word}" for script, before in _JOINING if script.fullmatch(word) for each in before]


_JOINED: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_BITS, _READ, _BEGIN, JOINED = _listed()


def kind(token: str) -> tuple[int, str]:
    """Return the kinds of a word, a bit for each, and how it is read in a row: its kind, itself, or as any word."""
    if token in _READ:
        return _BITS[token], _READ[token]
    if token in FUNCTION or token in _MARKS:
        return 0, token
    if token[0] == "\x01":
        return 0, _SHAPES[token]
    syllables = _SYLLABLES.match(token) is not None
    for size in range(min(len(token), _LONGEST), 1 if syllables else _SHORTEST - 1, -1):
        name = _BEGIN.get(token[:size])
        # A short beginning says something only of a word that is not much longer.
        if name and (size > _SHORTEST or len(token) == size or syllables):
            return BIT[name], name
    return 0, ""


def together(bits: int) -> Sequence[str]:
    """Return the names of kinds."""
    return [name for name, bit in BIT.items() if bit & bits]
